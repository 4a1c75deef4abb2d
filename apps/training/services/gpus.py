"""What the GPUs of a training do, by NVIDIA's own library; without a driver there is nothing to tell."""

import os

MIB = 2**20


class Gpus:
    """The GPUs that a job's device names ("0,1"; "auto" is the first)."""

    def __init__(self, device):
        self._nvml = _nvml() if device != "cpu" else None
        numbers = [part.strip() for part in device.split(",")] if device != "auto" else ["0"]
        self._handles = self._find(numbers) if self._nvml else []

    def read(self):
        """`[[use in %, memory in MiB, temperature in °C], ...]`, None for what a GPU does not tell."""
        return [self._read(handle) for handle in self._handles]

    def _find(self, numbers):
        visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
        found = []
        for number in numbers:
            try:
                name = visible[int(number)] if visible else number
                by_number = name.isdecimal()
                found.append(
                    self._nvml.nvmlDeviceGetHandleByIndex(int(name))
                    if by_number
                    else self._nvml.nvmlDeviceGetHandleByUUID(name)
                )
            except (ValueError, IndexError, self._nvml.NVMLError):
                continue  # the engine says that there is no such GPU
        return found

    def _read(self, handle):
        nvml = self._nvml
        return [
            self._ask(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
            self._ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used // MIB),
            self._ask(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        ]

    def _ask(self, question):
        try:
            return question()
        except self._nvml.NVMLError:  # some cards do not tell everything
            return None


def _nvml():
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver
        return None
    return pynvml
