"""Where a person is signed in with a browser: a row for each, seen every few minutes."""

import time

from apps.accounts.services.browsers import note_session

EVERY = 300  # seconds
MOST = 20_000  # sessions that a process remembers
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "macOS",
           "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


def device_words(user_agent):
    """What a browser says it is, in two words: "Firefox on Windows"."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return " on ".join(filter(None, [browser, system])) or user_agent[:60] or "A program that does not say its name"


class SeenSessions:
    """Middleware: notes when a signed-in browser was last here, once in five minutes and process, after the answer."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.noted = {}

    def __call__(self, request):
        response = self.get_response(request)
        user = getattr(request, "_cached_user", None)  # looked at already, or this answer did not need it
        key = user.is_authenticated and request.session.session_key if user else None
        if key and self.is_due(key, time.monotonic()):
            note_session(request, user)
        return response

    def is_due(self, key, now):
        """Whether it is five minutes since this process first saw, or last noted, the session."""
        if len(self.noted) > MOST:
            self.noted.clear()
        if now - self.noted.setdefault(key, now) < EVERY:
            return False
        self.noted[key] = now
        return True
