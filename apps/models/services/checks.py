"""What an uploaded file of weights is, found out in processes that see nothing but that file."""

import sys
import time

from django.conf import settings

from apps.core.processes import Engine, EngineDied
from apps.core.work import WorkFailed

READ, DESCRIBE, DESCRIBE_ONNX = (
    f"apps.models.engine.{n}" for n in ("read_weights", "describe_weights", "describe_onnx")
)
MOST_SECONDS = 900
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # little to compute, and a worker's other work beside it
LAUNCH = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


class SealedEngine(Engine):
    """An engine process that is given nothing: Python in isolated mode, an environment of its own folder alone.

    It puts up its walls itself, before it opens the file: see `engine/sandbox.py`. `bare`: no site packages either.
    """

    def __init__(self, module, payload, folder, bare=False):
        super().__init__(module, {**payload, "folder": str(folder)}, folder, folder / "log.txt")
        flags = ["-I", "-B", *(["-S"] if bare else [])]
        self._command = [sys.executable, *flags, "-c", LAUNCH, str(settings.BASE_DIR), module, str(self._job_file)]
        self._home = str(folder)

    def environment(self):
        """Nothing of the platform's own."""
        home = dict.fromkeys(("HOME", "TMPDIR", "YOLO_CONFIG_DIR", "MPLCONFIGDIR"), self._home)
        return home | {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "YOLO_OFFLINE": "true",
            "CUDA_VISIBLE_DEVICES": "",
            **ONE_THREAD,
        }


class NamesAsked(WorkFailed):
    """The file does not say the names of its classes; `count` is how many it has, None where it does not say that."""

    def __init__(self, words, count):
        self.count = count
        super().__init__(words)


def check_weights(path, format, class_names, report):
    """What is known of the file at `path`, alone in its folder; raises WorkFailed with the reason of a refusal,
    NamesAsked where the names of its classes are wanted, or other ones.

    A `.pt` is loaded only after its pickle was read and found to do nothing but put a model together.
    """
    payload = {"weights": str(path), "class_names": class_names}
    if format == "onnx":
        report(0.3, "Checking the model")
        return _ask(SealedEngine(DESCRIBE_ONNX, payload, path.parent), report)
    report(0.2, "Reading the pickle, without running it")
    read = _ask(SealedEngine(READ, payload, path.parent, bare=True), report)
    report(0.5, "Loading the weights in a sealed process")
    found = _ask(SealedEngine(DESCRIBE, payload, path.parent), report)
    return found | {"checked": {"names": sorted(read["names"]), "storages": read["storages"]}}


def _ask(engine, report):
    """The `finished` event of a sealed engine."""
    until = time.monotonic() + MOST_SECONDS
    try:
        with engine:
            for event in engine.events():
                report.check()
                if time.monotonic() > until:
                    raise WorkFailed(f"Checking took longer than {MOST_SECONDS // 60} minutes. The file is not taken.")
                if event and event.get("asks") == "class_names":
                    raise NamesAsked(event["message"], event["count"])
                if event and event.get("event") == "refused":
                    raise WorkFailed(f"Refused: {event['message']}")
                if event and event.get("event") == "failed":
                    raise WorkFailed(event["message"])
                if event and event.get("event") == "finished":
                    return event
    except EngineDied as death:
        raise WorkFailed(f"The checking process {death}: the file asks for more memory or time than it may.") from None
    raise WorkFailed("The checking process ended without a result.")
