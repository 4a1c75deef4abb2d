"""The architectures that can be trained."""

FAMILIES = {
    "YOLOv8": "yolov8",
    "YOLO11": "yolo11",
    "YOLO26": "yolo26",
}
SIZES = {"n": "nano", "s": "small", "m": "medium", "l": "large", "x": "extra large"}
MODEL_TYPES = [f"{prefix}{size}" for prefix in FAMILIES.values() for size in SIZES]
MODEL_TYPE_CHOICES = [
    (family, [(f"{prefix}{size}", f"{family}{size} – {words}") for size, words in SIZES.items()])
    for family, prefix in FAMILIES.items()
]

# Arguments of ultralytics beside the form's own, each with the range that it accepts.
FLOAT_ARGUMENTS = {
    "hsv_h": (0, 1), "hsv_s": (0, 1), "hsv_v": (0, 1), "degrees": (0, 180), "translate": (0, 1), "scale": (0, 1),
    "shear": (0, 180), "perspective": (0, 0.001), "flipud": (0, 1), "fliplr": (0, 1), "mosaic": (0, 1),
    "mixup": (0, 1), "erasing": (0, 0.9), "warmup_epochs": (0, 100), "weight_decay": (0, 1), "lrf": (0, 1),
}  # fmt: skip
OPTIMIZERS = ("auto", "SGD", "Adam", "AdamW")


def argument_problems(arguments):
    """What is wrong with further arguments, as `{name: reason}`."""
    problems = {}
    for name, value in arguments.items():
        if name == "optimizer":
            if value not in OPTIMIZERS:
                problems[name] = f"Accepted: {', '.join(OPTIMIZERS)}."
        elif name not in FLOAT_ARGUMENTS:
            problems[name] = f"Not an argument that is taken here; accepted: optimizer, {', '.join(FLOAT_ARGUMENTS)}."
        else:
            low, high = FLOAT_ARGUMENTS[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                problems[name] = f"A number from {low} to {high}."
    return problems
