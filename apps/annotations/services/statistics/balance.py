"""What the numbers of the classes mean for training, in words."""

UNEVEN = 10  # times as many boxes in the most frequent class as in the rarest
NAMED = 6  # classes; the others are counted


def balance_hints(classes, splits):
    """Sentences about classes that are rare or absent; `classes` as the API lists them, `splits` those with images."""
    used = [row for row in classes if row["boxes"]]
    if not used:
        return []
    hints = [_uneven(used)] if len(used) > 1 else []
    unused = [row["class_name"] for row in classes if not row["boxes"]]
    if unused:
        hints.append(f"No box yet: {_names(unused)}.")
    for split in splits:
        missing = [row["class_name"] for row in used if not row["splits"][split]["boxes"]]
        if missing:
            effect = "a model never learns them" if split == "train" else "nothing is measured for them there"
            hints.append(f"Not in {split}: {_names(missing)}: {effect}.")
    return [hint for hint in hints if hint]


def _uneven(used):
    by_boxes = sorted(used, key=lambda row: row["boxes"])
    most, rarest = by_boxes[-1], by_boxes[0]
    times = most["boxes"] / rarest["boxes"]
    if times < UNEVEN:
        return f"Even enough: the most frequent class has {times:.1f} times as many boxes as the rarest."
    rare = [row for row in by_boxes if row["boxes"] * UNEVEN <= most["boxes"]]
    some = ", ".join(f"“{row['class_name']}” ({row['boxes']:,})" for row in rare[:NAMED])
    more = f" and {len(rare) - NAMED} more" if len(rare) > NAMED else ""
    return (
        f"Uneven: “{most['class_name']}” has {most['boxes']:,} boxes. Rare beside it: {some}{more}. "
        f"Models find rare classes less well: more images of these help most."
    )


def _names(names):
    some = ", ".join(f"“{name}”" for name in names[:NAMED])
    return f"{some} and {len(names) - NAMED} more" if len(names) > NAMED else some
