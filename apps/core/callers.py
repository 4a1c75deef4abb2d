"""The request that this thread answers, for what is written far below the doors: the audit log."""

from contextvars import ContextVar

_REQUEST = ContextVar("request", default=None)


def current_request():
    """The request being answered, or None in a task or a command."""
    return _REQUEST.get()


class KnownCaller:
    """Middleware: keeps the request at hand while it is answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        held = _REQUEST.set(request)
        try:
            return self.get_response(request)
        finally:
            _REQUEST.reset(held)
