"""Webhooks: programs of people and teams are told what happened here.

`telling.tell` writes deliveries in the transaction of what happened, so that none is lost and none is told of what did
not happen; a worker sends them, again with growing pauses, until they arrive or are given up.
"""
