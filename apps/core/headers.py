"""Headers that every answer has, beside those of Django and django-csp."""

from csp.constants import HEADER
from csp.middleware import CSPMiddleware

PERMISSIONS = ", ".join(
    ["camera=(self)", *(f"{one}=()" for one in ("display-capture", "geolocation", "microphone", "payment", "usb"))]
)
NO_PAGE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


class PagePolicy(CSPMiddleware):
    """django-csp, whose policy costs 60 µs to write: only for answers that have none yet, which are pages."""

    def process_response(self, request, response):
        return response if HEADER in response else super().process_response(request, response)


class SafeHeaders:
    """Middleware: the camera is for the testing page; what is no page of ours, a browser runs nothing of.

    Images, files and answers of the API are what people sent, in one way or another: opened as a document of their own
    they are boxed in, whatever a browser makes of them.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault(HEADER, NO_PAGE)
        return response
