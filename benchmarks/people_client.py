"""People who label and browse: a process of its own, so that it shares no interpreter with what it measures.

    python benchmarks/people_client.py plan.json result.json

plan.json: {"base", "seconds", "people": [{"session", "csrf", "cookies": [two names], "dataset", "images", "job"}]}.
Each person is a thread that does as the pages do: looks, thinks 1 to 5 s, does the next thing, and sends again what was
not answered. result.json: every request's time, every pause, and what each image's boxes must be now.
"""

import json
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import requests

THINK = (1, 5)  # seconds
PATIENCE = 90  # seconds until a person gives up on one thing
LONGEST_WAIT = 4
MIX = (("label", 50), ("gallery", 15), ("datasets", 10), ("job_page", 10), ("polls", 15))
COUNTED = ("class_id", "x_center", "y_center", "width", "height")


class GaveUp(Exception):
    """Nothing came for PATIENCE seconds, or what cannot be sent again was refused."""


class Person(threading.Thread):
    """One of them."""

    def __init__(self, number, about, base, until):
        super().__init__(daemon=True)
        self.about, self.base, self.until = about, base, until
        self.random = random.Random(number)
        self.session = requests.Session()
        cookies = dict(zip(about["cookies"], (about["session"], about["csrf"]), strict=True))
        self.session.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.session.headers.update({"X-CSRFToken": about["csrf"], "Referer": base})
        self.cached = set()  # what a browser keeps: pictures never change
        self.times, self.failures, self.pauses, self.surprises = [], [], [], []
        self.boxes = {}  # image → what it must have now
        self.place = 0

    def run(self):
        time.sleep(self.random.uniform(0, sum(THINK) / 2))
        kinds, weights = zip(*MIX, strict=True)
        while time.monotonic() < self.until:
            kind = self.random.choices(kinds, weights)[0]
            try:
                getattr(self, kind)()
            except GaveUp as reason:
                self.surprises.append(str(reason))
            self.think()

    def think(self):
        time.sleep(self.random.uniform(*THINK))

    # --- what they do -----------------------------------------------------------------------------------------
    def label(self):
        """The next image: its neighbours, its picture, its boxes; some thinking; a save."""
        images, dataset = self.about["images"], self.about["dataset"]
        image = images[self.place % len(images)]
        self.place += 1
        api = f"/api/v1/datasets/{dataset}"
        self.ask("next image", "GET", f"{api}/workspace/window?image={image}&before=2&after=4")
        self.picture(f"/datasets/{dataset}/images/{image}/file")
        address = f"{api}/images/{image}/annotations"
        now = self.ask("boxes", "GET", address).json()
        self.compare(image, now)
        self.think()
        self.save(address, image, now["revision"])

    def save(self, address, image, revision):
        wanted = [self.box() for _ in range(self.random.randint(1, 12))]
        answer = self.ask("save", "PUT", address, json={"revision": revision, "annotations": wanted})
        told = answer.json()
        if answer.status_code == 409 and plain(told["annotations"]) != plain(wanted):
            self.surprises.append(f"a conflict on image {image} that only this person labels")
            return
        self.boxes[image] = plain(wanted)  # accepted; after a broken answer, the save is found there already

    def box(self):
        return {
            "class_id": self.random.randrange(3), "x_center": self.random.uniform(0.2, 0.8),
            "y_center": self.random.uniform(0.2, 0.8), "width": self.random.uniform(0.02, 0.3),
            "height": self.random.uniform(0.02, 0.3),
        }  # fmt: skip

    def compare(self, image, now):
        if image in self.boxes and plain(now["annotations"]) != self.boxes[image]:
            self.surprises.append(f"image {image} has other boxes than were accepted")

    def gallery(self):
        dataset = self.about["dataset"]
        self.ask("gallery page", "GET", f"/datasets/{dataset}/")
        found = self.ask("images list", "GET", f"/api/v1/datasets/{dataset}/images?cursor=").json()["results"]
        for image in found[:12]:
            self.picture(image["thumbnail_url"])

    def datasets(self):
        self.ask("datasets page", "GET", "/datasets/")

    def job_page(self):
        self.ask("job page", "GET", f"/training/{self.about['job']}/")
        self.ask("job's news", "GET", f"/api/v1/training/{self.about['job']}/live")

    def polls(self):
        for _ in range(2):
            self.ask("jobs list", "GET", "/api/v1/jobs")
            self.ask("dataset", "GET", f"/api/v1/datasets/{self.about['dataset']}")

    def picture(self, address):
        if address not in self.cached:
            self.ask("picture", "GET", address)
            self.cached.add(address)

    # --- how they ask -----------------------------------------------------------------------------------------
    def ask(self, kind, method, path, **options):
        """The answer, after as many tries as it takes; each try is noted."""
        began, at, wait = time.monotonic(), time.time(), 0.25
        while True:
            answer = self.once(kind, method, path, options)
            if answer is not None:
                if wait > 0.25:
                    self.pauses.append((at, kind, time.monotonic() - began))
                return answer
            if time.monotonic() - began > PATIENCE:
                raise GaveUp(f"{kind}: nothing for {PATIENCE} s")
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def once(self, kind, method, path, options):
        began, at = time.monotonic(), time.time()
        try:
            answer = self.session.request(method, self.base + path, timeout=(5, 30), **options)
        except requests.RequestException as error:
            self.failures.append((at, kind, type(error).__name__))
            return None
        taken = time.monotonic() - began
        if answer.status_code in (200, 304) or (answer.status_code == 409 and method == "PUT"):
            self.times.append((at, kind, taken))
            return answer
        self.failures.append((at, kind, answer.status_code))
        if answer.status_code < 500 and answer.status_code != 429:
            raise GaveUp(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return None


def plain(annotations):
    """Boxes as they are compared: without ids, in an order of their own."""
    return sorted([round(label[name], 6) for name in COUNTED] for label in annotations)


def read_back(people):
    """How many images were saved, and those whose boxes are not what was accepted last."""
    count, lost = 0, []
    for person in people:
        for image, boxes in person.boxes.items():
            count += 1
            address = f"/api/v1/datasets/{person.about['dataset']}/images/{image}/annotations"
            with suppress(GaveUp):
                if plain(person.ask("read back", "GET", address).json()["annotations"]) == boxes:
                    continue
            lost.append(image)
    return count, lost


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    until = time.monotonic() + plan["seconds"]
    people = [Person(number, about, plan["base"], until) for number, about in enumerate(plan["people"])]
    for person in people:
        person.start()
    for person in people:
        person.join()
    noted = {name: [row for person in people for row in getattr(person, name)] for name in
             ("times", "failures", "pauses", "surprises")}  # fmt: skip
    saved, lost = read_back(people)
    Path(sys.argv[2]).write_text(json.dumps(noted | {"saved": saved, "lost": lost}))


if __name__ == "__main__":
    main()
