"""How processes answer that read files of strangers: behind the walls of `sandbox`, with `refused` as a third end."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

from .answering import die_with_parent, take_stdout
from .refusals import Refused
from .sandbox import SandboxError, lock_in


def answer_sealed(argv: list[str], act, memory_mb: int, cpu_seconds: int) -> int:
    """Lock this process in, run `act(job)` and tell its fields as `finished`; the exit code.

    The job is the JSON file named on the command line, its "folder" the only one that may be written to.
    """
    tell = take_stdout()
    job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
    try:
        lock_in(job["folder"], memory_mb, cpu_seconds)
        die_with_parent()
        tell("finished", **act(job))
    except Refused as refused:
        tell("refused", message=str(refused), name=refused.name, **refused.more)
    except MemoryError:
        tell("refused", message=f"Reading this file takes more than {memory_mb} MB of memory.", name="")
    except SandboxError as error:
        tell("failed", message=f"The file could not be read safely: {error}.")
        return 1
    except Exception as error:
        told = f"{type(error).__name__}: {str(error)[:300]}"
        tell("failed", message=f"Reading failed: {told}", traceback=traceback.format_exc())
        return 1
    return 0
