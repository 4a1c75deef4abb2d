"""Webhooks: programs of people are told what happened here.

`tell(event, owner, data)` writes deliveries in the transaction of what happened, so that none is lost and none is told
of what did not happen; a worker sends them, again with growing pauses, until they arrive or are given up.
"""

from apps.core.webhooks.telling import tell

__all__ = ["tell"]
