"""Training on several GPUs: ultralytics' DDP, one process a GPU, as `torch.distributed.run` starts them.

Ultralytics' own launcher pickles the trainer and starts it from a file in the user's folder; here each process is the
engine itself with the same job file, so that it keeps its checkpoints, its lifeline and its way of ending. The first
process (rank 0) alone tells events.
"""

import json
import os
import sys
from pathlib import Path

MODULE = "apps.training.engine.train"


def launch_command(job_file: str) -> list[str] | None:
    """The command that runs the job on each of its GPUs; None where this process trains by itself."""
    if "LOCAL_RANK" in os.environ:  # started by that command
        return None
    try:
        device = json.loads(Path(job_file).read_text(encoding="utf-8"))["args"]["device"]
    except (OSError, ValueError, TypeError, KeyError):  # said where the job is read
        return None
    count = len([part for part in str(device).split(",") if part.strip()])
    if count < 2:
        return None
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(count)]
    return [*launcher, "-m", MODULE, job_file]


def is_first() -> bool:
    """Whether this process tells the parent what happens."""
    return int(os.environ.get("RANK", -1)) in (-1, 0)
