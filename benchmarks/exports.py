"""A model in every format that this machine can make, each beside its weights, in one run.

    python benchmarks/exports.py                                 the sample dataset, as long as its page proposes
    python benchmarks/exports.py --only onnx openvino --img-size 320
    python benchmarks/exports.py --zip images.zip --start best.pt --size 320

Starts a platform of its own, trains (with `--zip` one epoch on that archive, from `--start` where there is one), and
exports through the API. Seconds are those of the whole job, from the POST
to its end: starting, converting, calibrating (int8), measuring and storing. mAP50-95 is counted on the dataset's
validation images; weights and export are timed in turns. The exit code is 1 if a job failed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import infer_http  # noqa: E402

COLUMNS = "{:22}{:>8}{:>10}{:>10}{:>10}{:>10}{:>14}{:>16}  {}"


def main():
    options = read_options()
    from yolotrainer.demo import running_platform, sign_in

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        with running_platform(folder) as (_, base):
            api = sign_in(base, folder)
            return export_all(api, trained(api, options), options)


def trained(api, options):
    """The id of a model of the sample dataset, or of an archive's."""
    from yolotrainer.demo import train

    if not options.zip:
        return train(api, api("GET", "datasets/?search=sample")["results"][0])["model_id"]
    dataset = infer_http.import_archive(api, options.zip)
    start = infer_http.upload_weights(api, options.start, dataset) if options.start else "scratch"
    return infer_http.train(api, dataset, options.size, 1, start)


def export_all(api, model_id, options):
    """Print a line for each format and precision; 1 if one failed."""
    print(
        COLUMNS.format("format", "seconds", "MB", "weights", "export", "differs", "ms of weights", "ms of export", "")
    )
    failed = False
    for form in api("GET", f"models/{model_id}/exports/formats"):
        for precision in form["precisions"] if not options.only or form["format"] in options.only else ():
            asked = {"format": form["format"], "precision": precision, "img_size": options.img_size}
            seconds, job = timed(api, model_id, asked)
            name = f"{form['name']} {precision}"
            if job["status"] != "completed":
                failed = True
                print(f"{name:22} {job['status']}: {job['error']}", flush=True)
            else:
                print(
                    line(name, seconds, api("GET", f"models/{model_id}/exports/{job['result']['export_id']}")),
                    flush=True,
                )
    return int(failed)


def timed(api, model_id, asked):
    """(seconds from the POST on, the job that ended)."""
    started = time.perf_counter()
    job = api("POST", f"models/{model_id}/exports", json=asked)
    while job["status"] in ("pending", "running"):
        time.sleep(0.2)
        job = api("GET", f"jobs/{job['id']}")
    return time.perf_counter() - started, job


def line(name, seconds, row):
    """One export's figures; of one that could not be measured, why."""
    size = f"{row['num_bytes'] / 1e6:.2f}"
    if row["difference"] is None:
        return f"{name:22}{seconds:>8.1f}{size:>10}  {row['reason']}"
    weights, export = row["figures"]["weights"], row["figures"]["export"]
    words = {"same": "same answers", "differs": f"answers differently: {row['reason']}"}.get(
        row["verdict"], row["reason"]
    )
    return COLUMNS.format(
        name, f"{seconds:.1f}", size, f"{weights['mAP50_95']:.4f}", f"{export['mAP50_95']:.4f}",
        f"{row['difference']:+.4f}", f"{weights['milliseconds']:.1f}", f"{export['milliseconds']:.1f}", words,
    )  # fmt: skip


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="formats as the API calls them; else all")
    parser.add_argument("--zip", type=Path, help="an archive with labelled images, instead of the sample dataset")
    parser.add_argument("--start", type=Path, help="a .pt to begin the training on the archive with")
    parser.add_argument("--size", type=int, default=320, help="pixels that the archive is trained at")
    parser.add_argument("--img-size", type=int, help="pixels; else the size that the model was trained at")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
