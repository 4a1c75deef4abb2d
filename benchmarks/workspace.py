"""The labelling workspace in a real Chromium, beside the figures it has to reach.

    python benchmarks/workspace.py
    python benchmarks/workspace.py --only frames next

Starts a platform of its own. Needs playwright (requirements-dev.txt) and a Chromium. What is measured:

frames  one frame while panning, zooming, dragging; 1,000 boxes on a 4000×3000 image; the frame rate is set free
next    from the key to the next image painted with its boxes, its neighbour being prefetched (1600×1200, 20 boxes)
open    from the click on a link to the picture painted with its boxes, at image 50,000 of 100,000; scripts are in
        the browser's cache, the image is not. Beside it the largest answer, and that of a dataset of 100 images.
save    PUT of 100 changed boxes over a kept loopback connection, so HTTP and authentication are in it
kill    200 boxes drawn while every process of the platform is killed (SIGKILL) and started again three times;
        what the browser drew is compared with the database's file
"""

import argparse
import io
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PARTS = ("frames", "next", "open", "save", "kill")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run",
]  # fmt: skip
FREE_FRAMES = ["--disable-frame-rate-limit", "--disable-gpu-vsync"]
SHOWN = "window.workspace?.ready && workspace.renderer.picture"
MANY = 100_000
WINDOW = {"width": 1440, "height": 900}
FRAMES = """async (kind) => {
  const { view, store, renderer } = workspace, canvas = document.getElementById("layer-overlay");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const area = canvas.getBoundingClientRect();
  const pointer = (type, x, y, button) => canvas.dispatchEvent(new PointerEvent(type, {
    clientX: area.left + x, clientY: area.top + y, pointerId: 1, pointerType: "mouse", button, buttons: 1,
    bubbles: true,
  }));
  const wheel = (deltaY) => canvas.dispatchEvent(new WheelEvent("wheel", {
    clientX: 600, clientY: 400, deltaY, cancelable: true,
  }));
  canvas.setPointerCapture = () => {};
  let [x, y, button] = [600, 400, 1];
  if (kind === "drag") {
    workspace.setTool("select");
    const shape = store.shapes[500];
    store.select([shape.key]);
    ({ x, y } = view.toScreen(shape.cx * view.image.width, shape.cy * view.image.height));
    button = 0;
  }
  if (kind !== "zoom") pointer("pointerdown", x, y, button);
  await frame(); await frame();
  const times = [];
  for (let n = 0; n < 200; n += 1) {
    const began = performance.now();
    if (kind === "zoom") wheel(n < 100 ? -30 : 30);
    else pointer("pointermove", x + 60 * Math.sin(n / 8), y + 40 * Math.cos(n / 9), button);
    await frame();
    times.push(performance.now() - began);
  }
  if (kind !== "zoom") pointer("pointerup", x, y, button);
  return times;
}"""


def main():
    options = read_options()
    if options.fill:
        return fill(*options.fill)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        bench = Bench(Path(scratch), playwright)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n{'':<58}{'measured':>12}{'at most':>12}")
        try:
            for part in options.only:
                getattr(bench, f"time_{part}")()
        finally:
            bench.stop()
    return None


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--fill", nargs=2, type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def show(what, measured, limit="", unit="ms"):
    value = f"{measured:.1f} {unit}" if isinstance(measured, float) else f"{measured} {unit}".strip()
    print(f"{what:<58}{value:>12}{limit and f'{limit} {unit}':>12}", flush=True)


def at_percent(times, percent):
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def picture(width, height, seed):
    """A JPEG with something on it."""
    from PIL import Image

    small = Image.frombytes("RGB", (64, 48), random.Random(seed).randbytes(64 * 48 * 3))
    out = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def boxes(count, seed=0):
    some = random.Random(seed)
    return [
        {"class_id": n % 5, "x_center": some.uniform(0.05, 0.95), "y_center": some.uniform(0.05, 0.95),
         "width": some.uniform(0.01, 0.06), "height": some.uniform(0.01, 0.06)}
        for n in range(count)
    ]  # fmt: skip


class Bench:
    """A running platform, a browser, and the measurements."""

    def __init__(self, folder, playwright):
        from yolotrainer.demo import free_port, sign_in

        self.data, self.port, self.playwright = folder / "data", free_port(), playwright
        self.data.mkdir()
        self.start()
        self.api = sign_in(self.base, self.data)
        self.cookies = self.sign_in()

    def start(self):
        from yolotrainer.demo import running_platform

        self.running = running_platform(self.data, self.port)
        self.pid, self.base = self.running.__enter__()

    def stop(self):
        self.running.__exit__(None, None, None)

    def kill(self):
        """SIGKILL to every process of the platform."""
        for pid in family(self.pid):
            os.kill(pid, signal.SIGKILL)
        self.stop()

    def sign_in(self):
        session, address = requests.Session(), f"{self.base}/account/sign-in"
        session.get(address, timeout=30)
        (csrf,) = session.cookies
        form = {"username": "demo", "password": (self.data / "demo_password").read_text()}
        form["csrfmiddlewaretoken"] = csrf.value
        session.post(address, data=form, headers={"Referer": address}, timeout=30)
        return [{"name": cookie.name, "value": cookie.value, "url": self.base} for cookie in session.cookies]

    def browse(self, *flags):
        """A signed-in page in a browser of its own."""
        names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        path = next(filter(None, map(shutil.which, names)), None)
        browser = self.playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        context = browser.new_context(viewport=WINDOW)
        context.add_cookies(self.cookies)
        return context.new_page()

    def dataset(self, count, width=1600, height=1200):
        """A new dataset with `count` pictures and five classes; its id and the images' ids."""
        made = self.api("POST", "datasets/", json={"name": "bench", "class_names": list("abcde")})["id"]
        files = [("files", (f"{n}.jpg", picture(width, height, n))) for n in range(count)]
        found = self.api("POST", f"datasets/{made}/images", files=files)["created"]
        return made, [image["id"] for image in found]

    def save(self, dataset, image, revision, labels):
        body = {"revision": revision, "annotations": labels}
        return self.api("PUT", f"datasets/{dataset}/images/{image}/annotations", json=body)

    def label(self, page, dataset, image):
        page.goto(f"{self.base}/datasets/{dataset}/label?image={image}")
        page.wait_for_function(SHOWN)

    def time_frames(self):
        dataset, (image,) = self.dataset(1, 4000, 3000)
        self.save(dataset, image, 0, boxes(1000))
        page = self.browse(*FREE_FRAMES)
        self.label(page, dataset, image)
        page.wait_for_timeout(2000)  # the smaller copies of the picture are made
        for kind in ("pan", "zoom", "drag"):
            page.keyboard.press("Control+0")
            times = page.evaluate(FRAMES, kind)
            show(f"a frame, {kind}, 1,000 boxes on 4000×3000, median", statistics.median(times), 16)
        page.context.browser.close()

    def time_next(self):
        dataset, images = self.dataset(41)
        for image in images:
            self.save(dataset, image, 0, boxes(20, seed=image))
        page = self.browse()
        self.label(page, dataset, images[0])
        times = []
        for image in images[1:]:
            page.wait_for_timeout(500)
            page.evaluate("performance.clearMeasures('next-image')")
            page.keyboard.press("d")
            page.wait_for_function(f"workspace.item.id === {image} && {SHOWN}")
            page.wait_for_timeout(100)
            times += page.evaluate("performance.getEntriesByName('next-image').map((one) => one.duration)")
        show(f"next image, {len(times)} of {len(images) - 1} prefetched, p95", at_percent(times, 95), 100)
        page.context.browser.close()

    def time_open(self):
        sizes = {}
        for count in (100, MANY):
            dataset, _ = self.dataset(20, 640, 480)
            env = os.environ | {"DATA_DIR": str(self.data), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
            command = [sys.executable, __file__, "--fill", str(dataset), str(count)]
            subprocess.run(command, env=env, check=True, cwd=ROOT)
            sizes[count], times = self.open_in_the_middle(dataset, count)
        show(f"open at image {MANY // 2:,} of {MANY:,}, median of {len(times)}", statistics.median(times), 500)
        show(f"largest answer there, 100 images: {sizes[100] / 1000:.1f} kB", sizes[MANY] / 1000, unit="kB")
        self.time_pages(dataset)

    def open_in_the_middle(self, dataset, count):
        """(bytes of the largest answer but pictures and scripts, ms of each opening)."""
        page, sizes, times = self.browse(), [0], []
        first = self.api("GET", f"datasets/{dataset}/workspace/position?at={count // 2}")["id"]
        self.label(page, dataset, first - 30)
        page.on("response", lambda answer: sizes.append(size_of(answer)))
        for image in range(first, first + 9):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(f"{self.base}/datasets/{dataset}/label?image={image}", wait_until="commit")
            page.wait_for_function(SHOWN, polling="raf")
            times.append((time.perf_counter() - began) * 1000)
        page.context.browser.close()
        return max(sizes), times

    def time_pages(self, dataset):
        """The requests of which an opening is made, and the dataset's page, one by one."""
        middle = self.api("GET", f"datasets/{dataset}/workspace/position?at={MANY // 2}")["id"]
        calls = (
            f"workspace/position?image={middle}",
            f"workspace/window?image={middle}&before=12&after=24",
            f"workspace/position?image={middle}&labeled=false",
            f"workspace/position?image={middle}&state=reviewed",
            f"workspace/position?at={MANY // 2}",
            "images?cursor=",
        )
        for call in calls:
            show(
                f"  GET {call.replace(str(middle), '…')}"[:56],
                clock(lambda call=call: self.api("GET", f"datasets/{dataset}/{call}")),
            )

    def time_save(self):
        dataset, (image,) = self.dataset(1)
        revision, times = 0, []
        for n in range(80):
            labels = boxes(100, seed=n)
            began = time.perf_counter()
            revision = self.save(dataset, image, revision, labels)["revision"]
            times.append((time.perf_counter() - began) * 1000)
        show("a save of 100 new boxes, with HTTP, median", statistics.median(times))
        show("a save of 100 new boxes, with HTTP, p95", at_percent(times, 95), 50)

    def time_kill(self):
        dataset, images = self.dataset(8, 640, 480)
        page = self.browse()
        self.label(page, dataset, images[0])
        drawn = {}
        for n in range(200):
            if n in (40, 100, 160):
                self.kill()
            if n in (55, 115, 175):
                self.start()
            draw(page, n % 25)
            drawn[page.evaluate("workspace.item.id")] = page.evaluate("workspace.store.shapes.length")
            if n % 25 == 24 and n < 199:
                page.keyboard.press("d")
                page.wait_for_function(f"workspace.item.id === {images[n // 25 + 1]} && {SHOWN}", timeout=60_000)
        page.wait_for_function("workspace.sync.status.kind === 'saved'", timeout=120_000)
        assert sum(drawn.values()) == 200, drawn
        show("boxes lost of 200, platform killed and started 3 times", self.lost(drawn), 0, unit="")
        page.context.browser.close()

    def lost(self, drawn):
        """How many of the drawn boxes ({image: count}) the database's file does not have."""
        (file,) = self.data.glob("*.sqlite3")
        with sqlite3.connect(file) as database:
            count = "SELECT COUNT(*) FROM annotations_annotation WHERE image_id = ?"
            return sum(drawn[image] - database.execute(count, [image]).fetchone()[0] for image in drawn)


def draw(page, n):
    """Draw the n-th box of an image."""
    x, y = 330 + n % 5 * 120, 120 + n // 5 * 110
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 70, steps=2)
    page.mouse.up()


def clock(work, times=9):
    """Median ms of `work()`."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def size_of(answer):
    """Bytes of an answer that is neither picture nor script nor style."""
    kind = answer.headers.get("content-type", "")
    return int(answer.headers.get("content-length", 0)) if "json" in kind or "html" in kind else 0


def family(pid):
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def fill(dataset_id, count):
    """Rows for images that share the files of the first ones, straight into the database."""
    import django

    django.setup()
    from apps.datasets.models import Dataset, DatasetImage

    known = list(DatasetImage.objects.filter(dataset=dataset_id))
    rows = []
    for n in range(len(known), count):
        like = known[n % len(known)]
        rows.append(DatasetImage(
            dataset_id=dataset_id, filename=f"{n}.jpg", file=like.file.name, thumbnail=like.thumbnail.name,
            sha256=f"{n:064x}", num_bytes=like.num_bytes, width=like.width, height=like.height, is_labeled=n % 2 == 0,
            state="labelled" if n % 2 == 0 else "unlabelled", split=("train", "val", "")[n % 3],
        ))  # fmt: skip
    DatasetImage.objects.bulk_create(rows, batch_size=500)
    Dataset.objects.filter(pk=dataset_id).update(num_images=count, num_labeled=count // 2)


if __name__ == "__main__":
    main()
