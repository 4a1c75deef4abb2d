"""Mangled archives of every format: reading them may refuse them in words, and nothing else.

    python benchmarks/fuzz_formats.py --count 10000

Anything but the formats' and the archives' own errors ends it with the seed and number that make it again.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from apps.annotations.formats import FORMATS  # noqa: E402
from apps.annotations.tests.formats_fuzz import fuzz  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="mangled archives of each format")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    options = parser.parse_args()
    print(f"{'format':<14}{'archives':>10}{'read':>10}{'refused':>10}{'seconds':>10}")
    for format in options.formats:
        started = time.perf_counter()
        tally = fuzz(format, options.count, options.seed)
        seconds = time.perf_counter() - started
        print(f"{format:<14}{options.count:>10}{tally['read']:>10}{tally['refused']:>10}{seconds:>10.0f}", flush=True)
    print("Nothing was raised but the formats' and the archives' own errors.")


if __name__ == "__main__":
    main()
