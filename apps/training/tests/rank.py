"""Stands for the engine as one of several processes: run by torch's launcher, in tests. Tells its pid and waits."""

import json
import os
import time

from apps.training.engine import lifeline

if __name__ == "__main__":
    lifeline.lead_own_group()
    lifeline.die_with_parent()
    told = {"rank": int(os.environ["RANK"]), "of": int(os.environ["WORLD_SIZE"]), "pid": os.getpid()}
    os.write(1, json.dumps(told).encode() + b"\n")
    time.sleep(600)
