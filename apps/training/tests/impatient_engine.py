"""The training engine, where nobody waits for another one to end: run as `python -m`, by tests."""

import sys

from apps.training.engine import alone, train

if __name__ == "__main__":
    alone.hold.__defaults__ = (0,)
    sys.exit(train.main(sys.argv[1]))
