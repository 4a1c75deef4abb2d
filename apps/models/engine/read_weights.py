"""Judge a `.pt` without running anything in it: `python -m apps.models.engine.read_weights job.json`.

The job: {"weights": "weights.pt", "folder": the only folder where this process may write}. Only Python's own library is
needed, so it runs with `-I -S`: no site packages, no environment. Answers in JSON lines on stdout::

    {"event": "finished", "names": {"torch.nn.modules.conv.Conv2d": 1, ...}, "storages": 355, "pickle_bytes": 92698}
    {"event": "refused", "message": "a sentence for people", "name": "os.system"}
    {"event": "failed", "message": "..."}

The process exits with 0 after `finished` and `refused`, with 1 after `failed`.
"""

from __future__ import annotations

import sys

from .sealed import answer_sealed
from .torch_pickle import check_pickle
from .torch_zip import read_checkpoint

MEMORY_MB, CPU_SECONDS = 2048, 120


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_sealed(argv, judge, MEMORY_MB, CPU_SECONDS)


def judge(job: dict) -> dict:
    """The fields of `finished`. Raises Refused."""
    checkpoint = read_checkpoint(job["weights"])
    names = check_pickle(checkpoint.pickle, checkpoint.storages)
    return {"names": names, "storages": len(checkpoint.storages), "pickle_bytes": len(checkpoint.pickle)}


if __name__ == "__main__":
    sys.exit(main(sys.argv))
