"""The API's own description. It takes a second of CPU, so each process makes it once in each form that is asked for.

It is the same for everybody: `SERVE_PUBLIC`, drf-spectacular's default, describes all calls, whoever may make them.
"""

from functools import cache
from threading import Lock

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

_lock = Lock()  # of those who ask while it is made, one makes it


class Schema(SpectacularAPIView):
    """OpenAPI 3, as YAML or JSON by `Accept`."""

    @extend_schema(exclude=True)
    def get(self, request):
        renderer = type(request.accepted_renderer)
        with _lock:
            body = rendered(renderer)
        named = {"Content-Disposition": f'inline; filename="YOLO Trainer API.{renderer.format}"'}
        return HttpResponse(body, content_type=f"{renderer.media_type}; charset=utf-8", headers=named)


@cache
def described():
    """All calls, their fields and answers."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def rendered(renderer):
    """The description as bytes, by a class that writes it."""
    return renderer().render(described(), renderer.media_type, {})
