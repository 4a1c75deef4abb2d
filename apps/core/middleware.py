"""Middleware of the whole platform."""


class SlashlessApi:
    """API paths work with and without a trailing slash: routes are written without one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path_info.startswith("/api/v1/") and request.path_info.endswith("/"):
            request.path_info = request.path_info.rstrip("/")
        return self.get_response(request)
