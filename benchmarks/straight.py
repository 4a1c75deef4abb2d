"""Files that go straight to an S3 store, beside the same ones through the platform: `python benchmarks/straight.py`.

A platform as it runs in production, on a SeaweedFS of its own, and a sender that does what the pages do: an archive of
random bytes in pieces of 8 MiB by tus, or in parts of a multipart upload; pictures one by one, three at a time, or
announced a hundred together, put four at a time, and taken in by the worker. Then pictures are asked for: by addresses
that the web process answers with their bytes, and by one that it answers with a signed address. For each: seconds until
all is there, and what the web and the worker processes used of the cores.
"""

import argparse
import io
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
MIB = 2**20
PIECE = 8 * MIB
TUS = {"Tus-Resumable": "1.0.0"}
SIDE = (640, 480)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--archive", type=int, default=500, help="MiB")
    options.add_argument("--pictures", type=int, default=500)
    options.add_argument("--asked", type=int, default=300, help="pictures that are asked for, each way")
    chosen = options.parse_args()
    from tests.real_parts import running_s3
    from yolotrainer.demo import running_platform, sign_in

    with tempfile.TemporaryDirectory() as folder, running_s3() as store:
        os.environ |= {name.removeprefix("TEST_"): value for name, value in store.items()}
        os.environ |= {"S3_BUCKET": "bench", "S3_SIGNED_SECONDS": "300", "WEIGHTS_DOWNLOAD": "false"}
        with running_platform(Path(folder)) as (pid, base):
            person = Person(sign_in(base, Path(folder)), pid)
            show(f"an archive of {chosen.archive} MiB", person.archives(chosen.archive))
            show(f"{chosen.pictures} pictures", person.all_pictures(chosen.pictures))
            show(f"{chosen.asked} pictures asked for", person.asks(chosen.asked))


class Person:
    """Who sends and asks; `pid` is the platform's."""

    def __init__(self, api, pid):
        self.api, self.pid = api, pid
        self.address = f"{api.base}/api/v1"
        self.key = {"Authorization": api.session.headers["Authorization"]}

    def archives(self, size):
        rng = random.Random(1)
        data = b"".join(rng.randbytes(MIB) for _ in range(size))
        ways = {"through the platform": self.by_tus, "straight to the store": self.by_parts}
        return {way: self.measured(lambda send=send: send(data)) for way, send in ways.items()}

    def by_tus(self, data):
        url = self.announced(data)
        for start in range(0, len(data), PIECE):
            headers = TUS | {"Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
            self.ask("PATCH", url, data=data[start : start + PIECE], headers=headers)
        return self.api("GET", url)["is_complete"]

    def by_parts(self, data):
        url = self.announced(data)
        about = self.api("GET", f"{url}/parts")
        size = about["part_size"]
        for number in range(1, about["number_of_parts"] + 1):
            (part,) = self.api("POST", f"{url}/parts", json={"numbers": [number]})["parts"]
            put(part["url"], data[(number - 1) * size : number * size])
        return self.api("POST", f"{url}/complete")["is_complete"]

    def announced(self, data):
        headers = TUS | {"Upload-Length": str(len(data)), "Content-Type": "application/offset+octet-stream"}
        return f"uploads/{self.ask('POST', 'uploads', headers=headers).json()['id']}"

    def all_pictures(self, count):
        data = [noise(number) for number in range(count)]
        print(f"pictures of {sum(map(len, data)) / count / 1000:.0f} kB")
        ways = {"through the platform": self.one_by_one, "straight to the store": self.announced_together}
        return {way: self.measured(lambda send=send: self.into_a_dataset(send, data)) for way, send in ways.items()}

    def into_a_dataset(self, send, data):
        self.dataset = f"datasets/{self.api('POST', 'datasets', json={'name': 'Straight'})['id']}"
        send(data)
        return self.api("GET", self.dataset)["num_images"] == len(data)

    def one_by_one(self, data):
        def send(file):
            number, picture = file
            self.ask("POST", f"{self.dataset}/images", files={"files": (f"{number}.jpg", picture)})

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(send, enumerate(data)))

    def announced_together(self, data):
        url, jobs = f"{self.dataset}/images/direct", []
        for start in range(0, len(data), 100):
            some = data[start : start + 100]
            files = [{"filename": f"{start + n}.jpg", "size": len(one)} for n, one in enumerate(some)]
            answer = self.api("POST", url, json={"files": files})
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda place, some=some: put(place["url"], some[place["number"] - 1]), answer["files"]))
            self.api("POST", f"{url}/{answer['id']}/complete")
            jobs.append(answer["id"])
        for job in jobs:
            while self.api("GET", f"jobs/{job}")["status"] in ("pending", "running"):
                time.sleep(0.5)

    def asks(self, count):
        rows = self.api("GET", f"{self.dataset}/images?page_size={count}")["results"]
        ways = {
            "thumbnails through the platform": "thumbnail_url", "files through the platform": "url",
            "files by signed addresses": "url?from=store", "originals by signed addresses": "original_url",
        }  # fmt: skip
        return {way: self.measured(lambda name=name: self.fetched(rows, name)) for way, name in ways.items()}

    def fetched(self, rows, name):
        session, store = requests.Session(), requests.Session()
        name, mark, query = name.partition("?")
        for row in rows:
            address = self.api.base + row[name] + mark + query
            answer = session.get(address, headers=self.key, timeout=60, allow_redirects=False)
            if answer.status_code == 302:
                answer = store.get(answer.headers["Location"], timeout=60)
            if answer.status_code != 200 or not answer.content:
                return False
        return True

    def ask(self, method, path, headers=(), **more):
        answer = requests.request(
            method, f"{self.address}/{path}", headers=self.key | dict(headers), timeout=300, **more
        )
        answer.raise_for_status()
        return answer

    def measured(self, do):
        """(seconds, core seconds of web, core seconds of worker) of what ends well."""
        before, began = used(self.pid), time.monotonic()
        if not do():
            sys.exit("Not all of it is there.")
        seconds, after = time.monotonic() - began, used(self.pid)
        return seconds, after["web"] - before["web"], after["worker"] - before["worker"]


def used(pid):
    """Core seconds of the platform's web and worker processes until now."""
    found = {"web": 0.0, "worker": 0.0}
    for process in psutil.Process(pid).children(recursive=True):
        command = " ".join(process.cmdline())
        kind = "web" if "gunicorn" in command else "worker" if "default,inference" in command else None
        if kind:
            times = process.cpu_times()
            found[kind] += times.user + times.system
    return found


def put(address, data):
    requests.put(address, data, timeout=300).raise_for_status()


def noise(number):
    """A JPEG of some 200 kB that is like no other."""
    picture = Image.frombytes("RGB", SIDE, random.Random(number).randbytes(SIDE[0] * SIDE[1] * 3))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=75)
    return out.getvalue()


def show(what, rows):
    print(f"\n| {what} | seconds | web, CPU s | worker, CPU s |\n| --- | --- | --- | --- |")
    for way, (seconds, web, worker) in rows.items():
        print(f"| {way} | {seconds:.1f} | {web:.2f} | {worker:.2f} |")


if __name__ == "__main__":
    main()
