"""What trainings run on: cores, memory, GPUs. Found without torch."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from apps.training.engine.quiet import usable_cores
from apps.training.models import TrainingJob

MIB = 2**20
LOOK = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]


class Gpu(NamedTuple):
    name: str
    memory_mb: int


class Machine(NamedTuple):
    """A trainer's machine; `known` is False where trainers run elsewhere and none has told of its machine yet."""

    cores: int
    memory_mb: int
    gpus: tuple[Gpu, ...] = ()
    known: bool = True

    @property
    def title(self):
        if not self.known:
            return "a trainer that has not told of its machine yet"
        cores = f"{self.cores} CPU core{'' if self.cores == 1 else 's'}, {self.memory_mb / 1024:.0f} GB of memory"
        gpus = [f"{gpu.name} ({gpu.memory_mb / 1024:.0f} GB)" for gpu in self.gpus]
        return f"{cores}, {', '.join(gpus) if gpus else 'no GPU'}"


def trainer_machine():
    """The machine of the trainer that last began a job, as it told; before the first, this one."""
    told = (
        TrainingJob.objects.filter(environment__has_key="machine")
        .order_by("-started_at")
        .values_list("environment__machine", flat=True)
        .first()
    )
    if told:
        return Machine(told["cores"], told["memory_mb"], tuple(Gpu(**gpu) for gpu in told["gpus"]))
    here = this_machine()
    return here._replace(known=False) if settings.REDIS_URL else here


@cache
def this_machine():
    """The machine of this process."""
    return Machine(usable_cores(), _memory_mb(), _gpus())


def about_this_machine():
    """`this_machine()` as JSON, to be noted with a job."""
    here = this_machine()
    gpus = [gpu._asdict() for gpu in here.gpus]
    return {"cores": here.cores, "memory_mb": here.memory_mb, "gpus": gpus}


def _memory_mb():
    """The memory that this process may use: the machine's, or its container's if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    try:
        return min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()) // MIB)
    except (OSError, ValueError):  # no cgroup here, or its limit is "max"
        return memory


def _gpus():
    try:
        rows = subprocess.run(LOOK, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):  # no driver: no GPU
        return ()
    pairs = (row.rpartition(",") for row in rows if row.strip())
    return tuple(Gpu(name.strip(), int(float(memory))) for name, _, memory in pairs if memory.strip().isdigit())
