"""Which device a training uses: "auto", "cpu", one GPU ("0") or several ("0,1": ultralytics' own DDP)."""

import re

AUTO, CPU = "auto", "cpu"
GPUS = re.compile(r"\d{1,2}(,\d{1,2})*")
ACCEPTED = "Accepted: auto, cpu, the number of a GPU as 0, or several as 0,1."
FIT = -1  # the batch size that stands for "as large as fits"


def device_choices(machine):
    """Devices for a choice field: what the trainer's machine has."""
    best = machine.gpus[0].name if machine.gpus else "the CPU"
    choices = [(AUTO, f"Automatic: {best}" if machine.known else "Automatic: a GPU where there is one"), (CPU, "CPU")]
    choices += [(str(n), f"GPU {n}: {gpu.name}") for n, gpu in enumerate(machine.gpus)]
    if len(machine.gpus) > 1:
        every = ",".join(map(str, range(len(machine.gpus))))
        choices.append((every, f"All {len(machine.gpus)} GPUs"))
    return choices


def gpu_numbers(device):
    """The GPUs that a device names; none for "auto" and "cpu"."""
    return [int(number) for number in device.split(",")] if GPUS.fullmatch(device) else []


def uses_gpu(device, machine):
    """Whether a training would run on a GPU of the machine."""
    return bool(gpu_numbers(device)) or (device == AUTO and bool(machine.gpus))


def device_problems(device, batch_size, machine):
    """What is wrong with a device for a batch size, as `{field: reason}`."""
    numbers = gpu_numbers(device)
    if device not in (AUTO, CPU) and not numbers:
        return {"device": ACCEPTED}
    if len(set(numbers)) < len(numbers):
        return {"device": "Name each GPU once."}
    missing = [str(number) for number in numbers if number >= len(machine.gpus)]
    if missing and machine.known:
        have = f"GPU 0 to {len(machine.gpus) - 1}" if machine.gpus else "no GPU"
        return {"device": f"The trainer has no GPU {', '.join(missing)}: it has {have}."}
    if len(numbers) > 1:
        return _shared(batch_size, len(numbers))
    return {}


def _shared(batch_size, count):
    if batch_size == FIT:
        return {"batch_size": f"On several GPUs say a batch yourself: a multiple of {count}, as {count * 8}."}
    if batch_size % count:
        nearest = max(batch_size // count, 1) * count
        return {"batch_size": f"A multiple of {count}, so that each GPU gets as many images; the nearest is {nearest}."}
    return {}
