"""gunicorn's threads, parted: predictions have some for themselves, so that pages never stand in line behind them.

The connections wait in the main thread, which costs nothing; it looks at the first bytes of each request. A prediction
for which there is no place is refused by the view, which says so to monitoring; in a flood of them, here, before
anything but the request's length was read.
"""

import json
import re
import select
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from socket import MSG_DONTWAIT, MSG_PEEK

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from apps.inference.runtime import Flood, Overloaded

ASKING = b"POST /api/v1/predictions/infer"
LONGEST_HEAD = 8192
PLAIN_REQUEST = re.compile(rb"[!-~]+ [!-~]+ HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?=\r\n)", re.IGNORECASE)
NOT_PLAIN = re.compile(
    rb"\r\n(?:[ \t]|transfer-encoding|expect|upgrade|connection:(?![ \t]*keep-alive[ \t]*\r\n))", re.IGNORECASE
)
WASTE = bytearray(65536)
MOMENT_MS = 3  # a client on the same machine takes less than one
READS_AT_ONCE = 16  # before others have their turn


class Threads:
    """Two pools that look like one: a connection says which of them is for its request."""

    def __init__(self, others, predictions):
        self.others, self.predictions = ThreadPoolExecutor(others), ThreadPoolExecutor(predictions)

    def submit(self, handle, connection):
        pool = self.predictions if connection.asks else self.others
        return pool.submit(handle, connection)

    def shutdown(self, **options):
        self.others.shutdown(**options)
        self.predictions.shutdown(**options)


class Worker(ThreadWorker):
    """gunicorn's worker of threads, for connections without TLS; with it, it is gunicorn's own."""

    places = settings.INFERENCE_THREADS + settings.INFERENCE_WAITING
    asking = 0  # predictions that have a place now

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.flood = Flood()

    def get_thread_pool(self):
        return Threads(self.cfg.threads, self.places)

    def accept(self, listener):
        """As gunicorn's, but a connection that says nothing yet waits without a thread."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        self._wait_for(connection, self.on_pending_socket_readable)

    def enqueue_req(self, conn):
        conn.asks = not self.cfg.is_ssl and asks_model(conn)
        if conn.asks and self.asking >= self.places:
            if self.flood.is_on() and self._refuse(conn):
                return
            self.flood.note()
            conn.asks = False  # a thread of the others refuses it
        self.asking += conn.asks
        super().enqueue_req(conn)

    def handle(self, conn):
        """As gunicorn's; while there are places, the thread stays with a client that asks again at once."""
        kept = super().handle(conn)
        while kept is True and conn.asks and self.alive and self.asking < self.places and asks_again(conn):
            kept = super().handle(conn)
        return kept

    def finish_request(self, conn, fs):
        self.asking -= conn.asks
        super().finish_request(conn, fs)

    def _refuse(self, conn):
        """Answer 503 from here; False for a request that is not plain enough for that."""
        left = plain_length(conn)
        if left is None:
            return False
        conn.left = left
        if not self._throw_away(conn):
            self._wait_for(conn, self._go_on_refusing)
        return True

    def _go_on_refusing(self, conn, _sock):
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)
        if not self._throw_away(conn):
            self._wait_for(conn, self._go_on_refusing)

    def _throw_away(self, conn):
        """Read what there is of a refused request; once that is all, answer. Whether it is through with it."""
        try:
            for _ in range(READS_AT_ONCE):
                if not conn.left:
                    break
                conn.left -= self._read(conn)
        except BlockingIOError:
            return False
        except OSError:
            self._give_up(conn)
            return True
        if conn.left:
            return False
        try:
            answer = refusal()
            whole = conn.sock.send(answer) == len(answer)
        except OSError:
            whole = False
        if not whole:  # it does not read its answers
            self._give_up(conn)
            return True
        count_refusal()
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_client_socket_readable, conn))
        return True

    @staticmethod
    def _read(conn):
        read = conn.sock.recv_into(WASTE, min(conn.left, len(WASTE)), MSG_DONTWAIT)
        if not read:
            raise ConnectionResetError
        return read

    def _give_up(self, conn):
        self.nr_conns -= 1
        conn.close()

    def _wait_for(self, conn, then):
        """Have `then(conn, socket)` called when there is something to read; it is closed where nothing comes."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(then, conn))


def asks_model(conn):
    """Whether the request that waits on the connection is a prediction, by its first bytes."""
    if conn.parser is not None and conn.parser.unreader.buf.getvalue():
        return False  # it is not the socket that the request begins on
    try:
        return conn.sock.recv(len(ASKING), MSG_PEEK | MSG_DONTWAIT) == ASKING
    except OSError:
        return False


def asks_again(conn):
    """Whether the next request comes within a moment, and is a prediction too."""
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(MOMENT_MS)) and asks_model(conn)


def plain_length(conn):
    """Bytes of the request that waits, head and body; None where only gunicorn's own reader should say."""
    try:
        head, end, _ = conn.sock.recv(LONGEST_HEAD, MSG_PEEK | MSG_DONTWAIT).partition(b"\r\n\r\n")
    except OSError:
        return None
    lengths = LENGTH.findall(head + b"\r\n")
    if not end or len(lengths) != 1 or not PLAIN_REQUEST.match(head) or NOT_PLAIN.search(head + b"\r\n"):
        return None
    return len(head) + len(end) + int(lengths[0])


def count_refusal():
    """In the metrics and in monitoring, as if the view had refused it."""
    from apps.core.metrics.meters import HTTP_REQUESTS
    from apps.inference.monitoring.counting import count_flood

    count_flood()
    HTTP_REQUESTS.labels("api/v1/predictions/infer", "POST", 503).inc()


def refusal():
    """The view's own answer in a flood, as bytes."""
    from apps.inference.services import gate

    seconds = gate.retry_after()
    body = json.dumps({"detail": str(Overloaded(seconds))}).encode()
    lines = (
        "HTTP/1.1 503 Service Unavailable", "Connection: keep-alive", "Content-Type: application/json",
        f"Content-Length: {len(body)}", f"Retry-After: {seconds}", "X-Content-Type-Options: nosniff", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + body
