"""A WSGI application for tests of the web worker: it says what it was asked.

With the header `X-Wait: folder` it makes the file `here` in that folder first, and answers once `go` is there.
"""

import time
from pathlib import Path

import django

django.setup()  # as the platform's own application does


def application(environ, start_response):
    size = len(environ["wsgi.input"].read())
    if "HTTP_X_WAIT" in environ:
        folder = Path(environ["HTTP_X_WAIT"])
        (folder / "here").touch()
        while not (folder / "go").exists():
            time.sleep(0.02)
    body = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {size}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
