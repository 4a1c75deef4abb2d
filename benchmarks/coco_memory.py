"""A COCO file of a million annotations: how long the reading takes, and the most memory it needs.

python benchmarks/coco_memory.py
python benchmarks/coco_memory.py --polygons
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.annotations.formats import read  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--boxes", type=int, default=20, help="an image")
    parser.add_argument("--polygons", action="store_true", help="each of 20 points")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = CocoSource(Path(folder, "instances.json"), options)
        before = peak()
        started = time.perf_counter()
        boxes = sum(len(image.boxes) for image in read(source, "coco").images)
        seconds = time.perf_counter() - started
        size = source.path.stat().st_size / 2**20
    print(f"{boxes} boxes from {size:.0f} MB of JSON in {seconds:.1f} s; peak {peak():.0f} MB, {before:.0f} MB before")


def peak():
    """MB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class CocoSource:
    """The file, written as it is asked for, and the names of its images."""

    def __init__(self, path, options):
        self.path, self._images = path, [f"{number:06}.jpg" for number in range(options.images)]
        chance = random.Random(7)
        with path.open("w") as file:
            sizes = {"width": 640, "height": 480}
            images = ({"id": number, "file_name": name, **sizes} for number, name in enumerate(self._images))
            file.write('{"images": [' + ",\n".join(map(json.dumps, images)) + '],\n"annotations": [')
            for number in range(options.images * options.boxes):
                row = {"id": number, "image_id": number % options.images, "category_id": number % 80, "iscrowd": 0}
                row["bbox"] = [round(chance.uniform(1, 300), 2) for _side in range(4)]
                points = [round(chance.uniform(1, 400), 2) for _value in range(40)] if options.polygons else []
                row |= {"area": 100.5, "segmentation": [points] if points else []}
                file.write((",\n" if number else "") + json.dumps(row))
            categories = [{"id": number, "name": f"class {number}"} for number in range(80)]
            file.write(f'],\n"categories": {json.dumps(categories)}}}')

    def names(self):
        return [self.path.name, *self._images]

    def open(self, name):
        return self.path.open("rb")


if __name__ == "__main__":
    main()
