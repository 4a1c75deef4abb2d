"""Which of a batch's answers a page shows."""

from django.http import Http404

CHIPS = {"": "All", "found": "With objects", "nothing": "Nothing found", "failed": "Not answered"}


def shown_answers(job, shown):
    """The answers of one of CHIPS; raises Http404 for another."""
    rows = job.answers.all()
    if shown == "found":
        return rows.filter(objects_found__gt=0)
    if shown == "nothing":
        return rows.filter(objects_found=0, error="")
    if shown == "failed":
        return rows.exclude(error="")
    if shown:
        raise Http404("Shown are: found, nothing, failed.")
    return rows
