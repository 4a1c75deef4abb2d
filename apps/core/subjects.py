"""What long work is about, in words: a job's `subject` as "dataset:12" is named by the app that knows such things."""

NAMES = {}


def add_subject(kind, named):
    """`named(user, pk)` gives (name, address of its page), or None where `user` may not see it or it is gone."""
    NAMES[kind] = named


def subject_of(job, user):
    """(name, address) of what a job is about, as `user` may see it; None where there is nothing to show."""
    kind, _, pk = job.subject.partition(":")
    return NAMES[kind](user, int(pk)) if kind in NAMES and pk.isdecimal() else None
