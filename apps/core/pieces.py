"""Many rows, some at a time, by somebody who writes in between."""


def by_pk(rows, size=200):
    """The rows of a queryset in the order of their primary keys, fetched `size` at a time.

    `iterator()` keeps a cursor open, and with it SQLite's moment: once another process has written, whoever reads so
    can write nothing any more (“database is locked”, at once). Here nothing is open while the caller works.
    """
    last = 0
    while piece := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield from piece
        last = piece[-1].pk
