"""Middleware of the whole platform."""

from django.http import HttpResponseNotAllowed
from django.shortcuts import render

from apps.core import work

AWAY_SECONDS = 2


class DatabaseAway:
    """A page that meets no database says so, and when to ask again; it is not an error of the page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if not work.database_is_away(error):
            return None
        page = render(request, "503.html", status=503)
        page["Retry-After"] = str(AWAY_SECONDS)
        return page


class PageMethods:
    """Pages know GET and POST: a view without a list of methods of its own would take every other for a GET."""

    KNOWN = ("GET", "HEAD", "POST", "OPTIONS")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in self.KNOWN and not request.path_info.startswith("/api/"):
            return HttpResponseNotAllowed(self.KNOWN)
        return self.get_response(request)


class SlashlessApi:
    """API paths work with and without a trailing slash: routes are written without one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path_info.startswith("/api/v1/") and request.path_info.endswith("/"):
            request.path_info = request.path_info.rstrip("/")
        return self.get_response(request)
