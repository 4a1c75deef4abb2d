"""Ultralytics without network, telemetry, stray files or an idle core."""

import math
import os
from pathlib import Path
from typing import Any

from . import skipped


def set_environment(config_dir: Path) -> None:
    """Set what torch and ultralytics read at import: call it first. What the parent set wins."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(config_dir))
    os.environ.setdefault("MPLCONFIGDIR", str(config_dir))
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS") or str(usable_cores())
    # Threads that wait for each other spin, by default for a millisecond. Where anything else wants a core, they
    # then spin away the time of the thread that they wait for: a batch took 0.05 s on an idle machine and 2 to 12 s
    # beside one busy process. This short a spin costs nothing when idle and 0.2 to 0.6 s beside it.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"


def usable_cores() -> int:
    """Return how many cores this process may use: its affinity, or the container's quota if that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(cores, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup here, or its quota is "max"
        return cores


def tame_ultralytics() -> None:
    """Replace the few functions of ultralytics that reach outside the run."""
    from ultralytics.data import dataset
    from ultralytics.data import utils as data_utils
    from ultralytics.utils import SETTINGS, callbacks, downloads, torch_utils

    dict.update(SETTINGS, sync=False)  # for this process; SETTINGS.update() would write the file
    callbacks.add_integration_callbacks = _nothing
    downloads.safe_download = downloads.get_github_assets = _refuse_download
    # A font for plots that are not drawn; it is looked for on the network even when YOLO_OFFLINE is set.
    data_utils.check_font = _nothing
    # The dataset's folder is shared between runs and immutable: no label cache beside the labels (a kill
    # would leave half a file), no "repaired" JPEG in place of the original: what is cut off is left out, and told.
    dataset.save_dataset_cache_file = _keep_in_memory
    data_utils._replace_image = _decode
    # select_device() gives torch one core less than there is, again before each validation.
    torch_utils.NUM_THREADS = int(os.environ["OMP_NUM_THREADS"])


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def _decode(im_file: str, write: Any) -> None:
    """Raise OSError where a JPEG without its end lacks part of the picture too."""
    from PIL import Image

    with Image.open(im_file) as image:
        image.load()


def _keep_in_memory(prefix: str, path: Path, labels: dict[str, Any], version: str) -> None:
    labels["version"] = version  # the rest of what the original does to its argument
    skipped.note(labels["msgs"])


def _refuse_download(*args: Any, **kwargs: Any) -> None:
    raise ConnectionError(f"The training does not download anything: {args or kwargs}")
