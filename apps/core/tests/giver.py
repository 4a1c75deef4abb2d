"""A real server on loopback that gives files, or what somebody gives who means no good."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from apps.core.tests.receiver import running


@contextmanager
def giving(answers):
    """Yields the server, with `url`. `answers`: {path: (status, headers, body)}; a body is bytes, or a function that
    is called with `write`, and with an Event that is set when the test is over."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.path, dict(self.headers)))
            status, headers, body = answers[self.path.split("?")[0]]
            self.send_response(status)
            given = dict(headers)
            if isinstance(body, bytes):
                given = {"Content-Length": str(len(body))} | given
            for name, value in given.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body) if isinstance(body, bytes) else body(self.wfile.write, server.over)
            except OSError:
                server.cut.set()  # who asked has gone

        def log_message(self, *args):
            """Nobody reads it."""

    with running(Handler) as server:
        server.asked, server.over, server.cut = [], threading.Event(), threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield server
        finally:
            server.over.set()
