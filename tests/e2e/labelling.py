"""The labelling page as tests drive it: a dataset of their own, the mouse in units of the image, keys on the canvas."""

import re
import time

from playwright.sync_api import expect

from conftest import picture

SHOWN = "window.workspace?.ready && workspace.renderer.picture && workspace.item.id"
SIZE = 320, 240
SHAPE = "s => ({type: s.type, class_id: s.classId, x: s.cx, y: s.cy, width: s.w, height: s.h, points: s.points})"


def make_dataset(platform, count=3, boxes=(), class_names=("bolt", "nut", "washer"), **fields):
    """A dataset of the demo account with `count` drawn images, `boxes` on the first; `{id, images: [id, …]}`."""
    made = platform.api("POST", "datasets/", json={"name": "Bench", "class_names": class_names, **fields}).json()
    files = [("files", (f"part{n}.png", picture(*SIZE, seed=n), "image/png")) for n in range(count)]
    if files:
        found = platform.api("POST", f"datasets/{made['id']}/images", files=files).json()
        made["images"] = [image["id"] for image in found["created"]]
    if boxes:
        save(platform, made, 0, boxes)
    return made


def box(class_id=0, x=0.5, y=0.5, width=0.2, height=0.2):
    return {"class_id": class_id, "x_center": x, "y_center": y, "width": width, "height": height}


def labels(platform, dataset, n=0):
    """What the server holds of the n-th image: `{revision, state, annotations}`."""
    return platform.api("GET", f"datasets/{dataset['id']}/images/{dataset['images'][n]}/annotations").json()


def save(platform, dataset, n, boxes, **fields):
    """Save as another program would, on top of whatever is there."""
    path = f"datasets/{dataset['id']}/images/{dataset['images'][n]}/annotations"
    revision = platform.api("GET", path).json()["revision"]
    answer = platform.api("PUT", path, json={"revision": revision, "annotations": boxes, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


class Labelling:
    """One browser page on the labelling workspace."""

    def __init__(self, page, platform, dataset):
        self.page, self.platform, self.dataset = page, platform, dataset

    def open(self, n=0, query=""):
        image = f"image={self.dataset['images'][n]}" if n is not None else ""
        self.page.goto(f"{self.platform.url}/datasets/{self.dataset['id']}/label?{image}&{query}")
        return self.shown(n)

    def shown(self, n=None):
        """Wait until the n-th image (None: any) is on the screen with its boxes."""
        wanted = "true" if n is None else f"workspace.item.id === {self.dataset['images'][n]}"
        self.page.wait_for_function(f"{SHOWN} && {wanted}")
        return self

    def saved(self):
        """Wait until the page says that everything is on the server."""
        expect(self.page.locator("#save-state")).to_have_text("Saved")
        return self

    def server(self, n=0):
        """The labels on the server, once the page says that they are saved."""
        return labels(self.platform, self.saved().dataset, n)["annotations"]

    # Doing

    def at(self, x, y):
        """Page coordinates of a point in 0..1 of the image."""
        return self.page.evaluate(
            """([x, y]) => {
              const { view } = workspace, area = document.getElementById("layer-overlay").getBoundingClientRect();
              const p = view.toScreen(x * view.image.width, y * view.image.height);
              return [area.left + p.x, area.top + p.y];
            }""",
            [x, y],
        )

    def drag(self, x0, y0, x1, y1, button="left"):
        start, end = self.at(x0, y0), self.at(x1, y1)
        self.page.mouse.move(*start)
        self.page.mouse.down(button=button)
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up(button=button)

    def click(self, x, y, **options):
        self.page.mouse.click(*self.at(x, y), **options)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def pass_time(self, seconds):
        """What the page fetched is that much older."""
        self.page.evaluate(f"Date.now = ((now) => () => now() + {seconds * 1000})(Date.now)")

    # Looking

    def shapes(self):
        return self.page.evaluate(f"workspace.store.shapes.map({SHAPE})")

    def selected(self):
        return self.page.evaluate(f"workspace.store.selected.map({SHAPE})")

    def count(self):
        return self.page.evaluate("workspace.store.shapes.length")

    def view(self):
        return self.page.evaluate("(({scale, tx, ty, brightness}) => ({scale, tx, ty, brightness}))(workspace.view)")

    def tool(self):
        return self.page.locator("[data-action^='tool.'][aria-pressed=true]").get_attribute("aria-label")

    def toast(self, words):
        expect(self.page.locator("#toast.is-open")).to_contain_text(words)

    def state(self, words):
        expect(self.page.locator("#image-state")).to_have_text(words)

    def colour_at(self, x, y):
        """[r, g, b] that is painted at a point of the image."""
        return self.page.evaluate(
            """([x, y]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
              const { view, renderer } = workspace, dpr = window.devicePixelRatio;
              const p = view.toScreen(x * view.image.width, y * view.image.height);
              done([...renderer.contexts.base.getImageData(p.x * dpr, p.y * dpr, 1, 1).data.slice(0, 3)]);
            })))""",
            [x, y],
        )


def rect(shape):
    """(left, top, right, bottom) of a shape or of an annotation, to three places."""
    x, y = shape.get("x", shape.get("x_center")), shape.get("y", shape.get("y_center"))
    halves = shape["width"] / 2, shape["height"] / 2
    return tuple(round(value, 3) for value in (x - halves[0], y - halves[1], x + halves[0], y + halves[1]))


def query_of(page):
    """The address' query, once it has settled."""
    return re.sub(r"^[^?]*\?", "", page.url)


def eventually(ask, wanted, seconds=10):
    """Wait until `ask()` answers `wanted`."""
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert got == wanted
