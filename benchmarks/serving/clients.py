"""Clients as lean as they can be: the server is what is measured."""

import http.client
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

HEADERS = {"Content-Type": "multipart/form-data; boundary=b0"}
WARM_UP = 12


class Server:
    """Where questions go: `ask(body)` over one kept connection."""

    def __init__(self, address, path, key=None):
        self.address, self.path = address.removeprefix("http://"), path
        self.headers = HEADERS | ({"Authorization": f"Token {key}"} if key else {})

    def connect(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)

        def ask(body):
            connection.request("POST", self.path, body, self.headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                sys.exit(f"{self.address}{self.path} answered {answer.status}: {text[:300]}")
            return json.loads(text)

        return ask


def multipart(image, model_id=None):
    """The body of a question, made before the clock runs."""
    fields = b"" if model_id is None else field_of("model_id", str(model_id).encode())
    file = b'--b0\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return fields + file + image + b"\r\n--b0--\r\n"


def field_of(name, value):
    return f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


def measure(ask, items, seconds):
    """Ask one after the other for some seconds, after a warm-up; milliseconds p50 and items a second."""
    for item in (items * WARM_UP)[:WARM_UP]:
        ask(item)
    times, began = [], time.perf_counter()
    for item in cycle(items):
        start = time.perf_counter()
        if start - began > seconds:
            break
        ask(item)
        times.append(time.perf_counter() - start)
    return {"p50": statistics.median(times) * 1000, "rate": len(times) / sum(times)}


def measure_many(server, items, clients, seconds):
    """As many clients at once, each over its own connection; milliseconds p50 and items a second of all together."""

    def work(number):
        ask, times = server.connect(), []
        for item in (items * WARM_UP)[:4]:
            ask(item)
        began.wait()
        end = time.perf_counter() + seconds
        mine = cycle(items[number:] + items[:number])
        while (start := time.perf_counter()) < end:
            ask(next(mine))
            times.append(time.perf_counter() - start)
        return times

    began = threading.Barrier(clients)
    with ThreadPoolExecutor(clients) as pool:
        times = [one for some in pool.map(work, range(clients)) for one in some]
    return {"p50": statistics.median(times) * 1000, "rate": len(times) / seconds}
