"""A real server on loopback that takes what webhooks send."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def receiving(answer=200, body=b"thanks", headers=(), wait=None):
    """Yields the server: `url`, and `got`, a list of (path, headers, body). `wait`: an Event before it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, dict(self.headers), sent))
            if wait:
                wait.wait(20)
            self.send_response(server.answer)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Nobody reads it."""

    with running(Handler) as server:
        server.got, server.answer = [], answer
        server.url = f"http://127.0.0.1:{server.server_port}/hook?a=1"
        yield server


@contextmanager
def running(handler):
    """A server on loopback whose requests this class answers, in threads of their own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
