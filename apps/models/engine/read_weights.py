"""Judge a `.pt` without running anything in it: `python -m apps.models.engine.read_weights job.json`.

The job: {"weights": "weights.pt", "folder": the only folder where this process may write}. Only Python's own library is
needed, so it runs with `-I -S`: no site packages, no environment. Answers in JSON lines on stdout::

    {"event": "finished", "names": {"torch.nn.modules.conv.Conv2d": 1, ...}, "storages": 355, "pickle_bytes": 92698}
    {"event": "refused", "message": "a sentence for people", "name": "os.system"}
    {"event": "failed", "message": "..."}

The process exits with 0 after `finished` and `refused`, with 1 after `failed`.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from .export import take_stdout
from .refusals import Refused
from .sandbox import SandboxError, die_with_parent, lock_in
from .torch_pickle import check_pickle
from .torch_zip import read_checkpoint

MEMORY_MB, CPU_SECONDS = 2048, 120


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    tell = take_stdout()
    job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
    try:
        lock_in(job["folder"], MEMORY_MB, CPU_SECONDS)
        die_with_parent()
        checkpoint = read_checkpoint(job["weights"])
        names = check_pickle(checkpoint.pickle, checkpoint.storages)
        tell(
            "finished",
            names=names,
            storages=len(checkpoint.storages),
            pickle_bytes=len(checkpoint.pickle),
        )
    except Refused as refused:
        tell("refused", message=str(refused), name=refused.name)
    except SandboxError as error:
        tell("failed", message=f"The file could not be checked safely: {error}.")
        return 1
    except MemoryError:
        tell("refused", message=f"Reading this file takes more than {MEMORY_MB} MB of memory.", name="")
    except Exception as error:
        tell("failed", message=f"The check failed: {type(error).__name__}.", traceback=traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
