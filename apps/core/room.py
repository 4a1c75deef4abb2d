"""When the disk is full: knowing it by whatever error it comes as, and saying so."""

import errno
import sys

from django.db import OperationalError
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string

STATUS = 507  # Insufficient Storage
WORDS = "The server's disk is full, so this was not saved. Try again when the operator has made room."
OF_A_JOB = "The server's disk is full. Start this again when the operator has made room."
OF_POSTGRES = "53100"  # its code for a full disk
OF_SQLITE = "database or disk is full"


def is_full(error):
    """Whether a full disk, or a used up quota of one, stands behind an error."""
    seen = set()
    while error is not None and id(error) not in seen:
        if _says_full(error):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _says_full(error):
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if getattr(error, "sqlstate", None) == OF_POSTGRES:
        return True
    return isinstance(error, OperationalError) and OF_SQLITE in str(error)


def answer_uncaught(request):
    """The answer to an error that nobody caught: 507 in words where the disk is full, else the page for 500."""
    is_api = request.path_info.startswith("/api/")
    if is_full(sys.exc_info()[1]):
        if is_api:
            return JsonResponse({"detail": WORDS}, status=STATUS)
        return HttpResponse(render_to_string("507.html"), status=STATUS)
    return HttpResponse(render_to_string("500.html"), status=500)
