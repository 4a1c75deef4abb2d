"""Clients as lean as load generators are: the server is what is measured, and they take turns on the same cores.

A question is sent in one piece, an answer read by its length: `http.client` sends two, and parses headers as mail.
"""

import json
import re
import socket
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

TYPE = "Content-Type: multipart/form-data; boundary=b0"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
WARM_UP = 12


class Server:
    """Where questions go: `ask(body)` over one kept connection."""

    def __init__(self, address, path, key=None):
        host, port = address.removeprefix("http://").split(":")
        self.address, self.path = (host, int(port)), path
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", TYPE] + [f"Authorization: Token {key}"] * bool(key)
        self.head = "\r\n".join(lines).encode() + b"\r\nContent-Length: %d\r\n\r\n"

    def connect(self):
        sock = socket.create_connection(self.address, timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask(body):
            sock.sendall(self.head % len(body) + body)
            status, text = read_answer(sock)
            if status != 200:
                sys.exit(f"{self.path} answered {status}: {text[:300]}")
            return json.loads(text)

        return ask


def read_answer(sock):
    """(status, body) of an answer that tells its length, as all that are measured here do."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += received(sock)
    length = LENGTH.search(data, 0, end)
    whole = end + 4 + int(length[1])
    while len(data) < whole:
        data += received(sock)
    return int(data[9:12]), data[end + 4 :]


def received(sock):
    return sock.recv(65536) or sys.exit("The server closed the connection.")


def multipart(image, model=None):
    """The body of a question, made before the clock runs; `model` is an id, or a name."""
    field = "model" if isinstance(model, str) else "model_id"
    fields = b"" if model is None else field_of(field, str(model).encode())
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
