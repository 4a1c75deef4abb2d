"""The label converters, every format read and written, beside datumaro and globox in one run.

    python -m venv /tmp/oracles && /tmp/oracles/bin/pip install datumaro globox
    python benchmarks/converters.py --oracle-python /tmp/oracles/bin/python

5,000 images with 100,000 boxes by default, as files in folders; the images' bytes are there and are not
copied. Each figure is the processor time of the best of some rounds (all three are single threads), imports
not counted. Datumaro and globox read the very files that ours wrote; a * says that datumaro could not, and
that both read the files which it wrote itself. What they write is read by ours, and the counts must agree.
Ours must be at least 3 times as fast as datumaro wherever datumaro knows the format.
"""

import argparse
import gc
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.annotations.formats import FORMATS, SPLITS, Box, ImageLabels, detect_format, read  # noqa: E402
from apps.annotations.formats.boxes import corners_of  # noqa: E402
from apps.annotations.tests.formats_helpers import png  # noqa: E402
from apps.core.archives import open_archive  # noqa: E402

WIDTH, HEIGHT = 640, 480
CLASSES = [f"class {number:02}" for number in range(20)]
TOOLS = {"datumaro": ("yolo", "coco", "voc", "cvat"), "globox": ("yolo", "coco", "voc", "cvat")}
AT_LEAST = 3.0


def main():
    options = read_options()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        images = make_images(Path(scratch), options)
        gc.freeze()  # what the benchmark itself holds is no burden of the converters
        oracle = Oracle(options, Path(scratch), images)
        failures = [
            failure for key in options.formats for failure in compare(key, Path(scratch), images, oracle, options)
        ]
        oracle.close()
    print("\n" + ("\n".join(failures) or f"All counts agree; ours is at least {AT_LEAST:g} × as fast as datumaro."))
    sys.exit(bool(failures))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracle-python", help="the python of an environment with datumaro and globox")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--boxes", type=int, default=20, help="boxes an image")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    parser.add_argument("--scratch", default=in_memory, help="a folder for the files (in memory, where there is such)")
    return parser.parse_args()


def make_images(scratch, options):
    """The images in memory, their bytes in one folder."""
    chance, picture = random.Random(7), png(WIDTH, HEIGHT)
    folder = scratch / "pictures"
    folder.mkdir()
    images = []
    for number in range(options.images):
        boxes = []
        for _box in range(options.boxes):
            width, height = chance.uniform(0.02, 0.2), chance.uniform(0.02, 0.2)
            x, y = chance.uniform(width / 2, 1 - width / 2), chance.uniform(height / 2, 1 - height / 2)
            boxes.append(Box(chance.randrange(len(CLASSES)), x, y, width, height))
        path = folder / f"{number:06}.png"
        path.write_bytes(picture)
        images.append(ImageLabels(path.name, boxes, split=SPLITS[number % 3], width=WIDTH, height=HEIGHT, key=path))
    return images


def compare(key, scratch, images, oracle, options):
    """Print the rows of one format; returns what did not hold."""
    folder, failures = scratch / f"ours-{key}", []
    expected = len(images), sum(len(image.boxes) for image in images)
    clear = lambda: shutil.rmtree(folder, ignore_errors=True)  # noqa: E731
    seconds = {"write": best(lambda: write_labels(key, folder, images), options.rounds, clear)}
    link_images(key, folder, images)
    seconds["read"] = best(lambda: read_labels(key, FolderSource(folder)), options.rounds)
    if read_labels(key, FolderSource(folder)) != expected:
        failures.append(f"{key}: ours does not read back what it wrote")
    for do in ("write", "read"):
        cells = [f"{seconds[do]:.2f} s"]
        for tool in TOOLS:
            own = scratch / f"{tool}-{key}"
            answer, ours = oracle.ask(tool, do, key, own if do == "write" else folder), seconds[do]
            if do == "write" and "seconds" in answer:
                failures += read_what_the_tool_wrote(tool, key, own, images, expected)
            elif not agrees(answer, expected):
                told_why(tool, key, answer)
            if tool == "datumaro" and not agrees(answer, expected) and own.exists():
                answer = oracle.ask(tool, do, key, own) | {"mark": " *"}
                ours = best(lambda: read_labels(key, FolderSource(own)), options.rounds)  # noqa: B023
            cells.append(told(answer, ours))
            if tool == "datumaro" and answer.get("seconds", 1e9) < AT_LEAST * ours:
                failures.append(f"{key} {do}: only {answer['seconds'] / ours:.1f} × as fast as datumaro")
        print(f"{key:<12}{do:<6}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
    for left in (folder, *(scratch / f"{tool}-{key}" for tool in TOOLS)):
        shutil.rmtree(left, ignore_errors=True)
    return failures


def agrees(answer, expected):
    return ("boxes" not in answer and "error" not in answer) or (answer.get("images"), answer.get("boxes")) == expected


def told_why(tool, key, answer):
    why = answer.get("error") or f"{answer['images']} images and {answer['boxes']} boxes"
    print(f"  {tool} reads of our {key}: {why}")


def told(answer, ours):
    if "seconds" in answer:
        return f"{answer['seconds']:.2f} s = {answer['seconds'] / ours:.1f} ×{answer.get('mark', '')}"
    return answer.get("skipped") or "fails"


def best(work, rounds, prepare=lambda: None):
    """Seconds of processor time."""
    times = []
    for _round in range(rounds):
        prepare()
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def write_labels(key, folder, images):
    folders = set()
    for entry in FORMATS[key].write(CLASSES, images):
        if entry.data is None:
            continue
        path = f"{folder}/{entry.name}"
        parent = path.rpartition("/")[0]
        if parent not in folders:
            os.makedirs(parent, exist_ok=True)
            folders.add(parent)
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        for piece in entry.data:
            os.write(file, piece)
        os.close(file)


def link_images(key, folder, images):
    for entry in FORMATS[key].write(CLASSES, images):
        if entry.image:
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(entry.image.key, target)


class FolderSource:
    """The plainest source there is: what is measured is the converter, not the reading of archives."""

    def __init__(self, folder):
        self._folder = str(folder)

    def names(self):
        start = len(self._folder) + 1
        return [f"{root}/{name}"[start:] for root, _folders, files in os.walk(self._folder) for name in files]

    def open(self, name):
        return open(f"{self._folder}/{name}", "rb")


def read_labels(key, source):
    """(images that are labelled, boxes)."""
    found = [len(image.boxes) for image in read(source, key).images if image.labelled]
    return len(found), sum(found)


def read_what_the_tool_wrote(tool, key, folder, images, expected):
    """Read the tool's own files with ours, recognised by content; returns what did not hold."""
    if not any(folder.rglob("*.png")):  # only labels: the images are put where they belong
        place_images(tool, key, folder, images)
    with open_archive(folder) as source:
        recognised = detect_format(source).format
        found = read_labels(recognised, source)
    if (recognised, found) == (key, expected):
        return []
    return [f"{tool}'s {key} is read as {recognised} with {found} images and boxes, not {expected}"]


def place_images(tool, key, folder, images):
    for image in images:
        if tool == "datumaro" and key == "voc":
            target = folder / "JPEGImages" / image.filename
        elif tool == "datumaro":
            target = folder / "images" / image.split / image.filename
        else:
            target = folder / "images" / image.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(image.key, target)


class Oracle:
    """The other tools' process, or the reason why there is none."""

    def __init__(self, options, scratch, images):
        self._rounds, self._scratch, self._process = options.rounds, scratch, None
        if not options.oracle_python:
            print("datumaro and globox are left out: no --oracle-python was given.\n")
            return
        self._data = scratch / "labels.json"
        self._data.write_text(json.dumps(as_data(images)))
        script = Path(__file__).with_name("converters_oracle.py")
        self._process = subprocess.Popen(
            [options.oracle_python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        boxes = sum(len(image.boxes) for image in images)
        print(f"{len(images)} images, {boxes} boxes, {os.cpu_count()} cores, best of {options.rounds} rounds")
        print(f"{'':<18}{'ours':>22}" + "".join(f"{tool:>22}" for tool in TOOLS))

    def ask(self, tool, do, key, folder):
        if self._process is None:
            return {"skipped": "not asked"}
        if key not in TOOLS[tool]:
            return {"skipped": "–"}
        order = {"tool": tool, "do": do, "format": key, "folder": str(folder)}
        self._process.stdin.write(json.dumps(order | {"rounds": self._rounds, "data": str(self._data)}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        if self._process:
            self._process.stdin.close()
            self._process.wait(30)


def as_data(images):
    return {
        "classes": CLASSES,
        "images": [
            {
                "name": image.filename,
                "path": str(image.key),
                "split": image.split,
                "size": [image.width, image.height],
                "boxes": [[box.class_index, *corners_of(box)] for box in image.boxes],
            }
            for image in images
        ],
    }


if __name__ == "__main__":
    main()
