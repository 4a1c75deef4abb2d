"""Keys that nobody has are counted by address, and beyond RATE_OF_ADDRESSES refused before they are looked at.

Each process remembers which addresses went beyond it, so that this costs a good call nothing, and which keys were good:
a program that works goes on beside one from the same address whose key was revoked.
"""

import time

from rest_framework.exceptions import Throttled

from apps.core.addresses import address_of

MOST = 10_000  # addresses, and keys, that are remembered
_spent, _good = {}, {}


def refuse_unknown_key(request, key_hash):
    """Throttled where the request's address showed too many wrong keys, unless this one was good before."""
    if not _spent or key_hash in _good:
        return
    taken = _spent.get(address_of(request))
    if taken and taken.resets_at > time.time():
        request._request.rate = taken
        raise Throttled(taken.seconds_left)


def note_good(key_hash):
    """This key was good."""
    if key_hash not in _good:
        _remember(_good, key_hash, True)


def note_spent(taken):
    """An address showed too many wrong keys: `taken` is how its limit stands."""
    _remember(_spent, taken.limit.who, taken)


def _remember(those, key, value):
    if len(those) >= MOST:
        those.clear()  # at worst some are let in once more, or asked to wait
    those[key] = value
