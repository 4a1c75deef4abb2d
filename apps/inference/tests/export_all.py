"""Several exports by one process, for each process takes seconds to import torch: `… export_all JOB.json …`.

Prints `{path of the output: what was answered}`.
"""

import json
import sys

from apps.models.engine.export import read_job, run


def quiet(*event, **fields):
    """Nobody looks at the progress."""


if __name__ == "__main__":
    jobs = [read_job(path) for path in sys.argv[1:]]
    done = {job["output"]: run(job, quiet) for job in jobs}
    print(json.dumps(done))
