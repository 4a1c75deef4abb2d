"""Who is answered what in the admin: `admin.txt` has a row for each model and for each page that is no model's."""

from pathlib import Path

from .routes import filled
from .table import ACTORS, HIDDEN, IN, NO_METHOD, REFUSED, SIGN_IN, parsed

ADMIN = "admin/"
OTHERS = {"app_label": "datasets", "url": "nothing", "content_type_id": 1, "object_id": 1}
DEEDS = ("add", "change", "delete")


def _for(staff, operator, others=SIGN_IN):
    return dict.fromkeys(ACTORS, others) | {"staff": staff, "operator": operator}


EXPECTED_IN_ADMIN = {
    "ANYONE": _for(IN, IN, IN),
    # a page that takes no POST: first of all it is not for everybody
    "NO_METHOD_OF_STAFF": _for(NO_METHOD, NO_METHOD),
    "NO_METHOD_OF_OPERATORS": _for(REFUSED, NO_METHOD),
    "NO_METHOD": dict.fromkeys((*ACTORS, "staff"), NO_METHOD),
    "STAFF": _for(IN, IN),
    "OPERATOR": _for(REFUSED, IN),
    "NOT_EVEN_OPERATORS": _for(REFUSED, REFUSED),
    "NOWHERE": _for(HIDDEN, HIDDEN),  # there is no such page, for who is in
    "LABELS": _for(HIDDEN, IN),  # an app's tables: there are none for who may see none
    "NAMELESS": _for(REFUSED, REFUSED),  # of what is to be found the question does not say
    "DOOR": _for(REFUSED, REFUSED, REFUSED) | {"nobody": SIGN_IN},  # who has signed in as somebody else is told so
}

_MODELS, _, _PAGES = (Path(__file__).parent / "admin.txt").read_text().partition("# Pages")
ADMIN_MODELS = {
    line.split()[0]: line.split()[1:] for line in _MODELS.splitlines() if line and not line.startswith("#")
}  # {"core.job": ["delete"]}
ADMIN_PAGES = parsed(_PAGES.partition("\n")[2])


def admin_rows(registry, may):
    """{route: {method: word}} of the pages that Django makes of each model; they take no other methods.

    `may`: {"app.model": what the operator may do with it besides looking}.
    """
    found = {}
    for model in registry:
        start, deeds = f"{ADMIN}{model._meta.app_label}/{model._meta.model_name}/", may.get(model._meta.label_lower, ())
        words = {deed: "OPERATOR" if deed in deeds else "NOT_EVEN_OPERATORS" for deed in DEEDS}
        found |= {
            start: both("OPERATOR"),
            f"{start}add/": both(words["add"]),
            f"{start}<path:object_id>/": both("STAFF"),  # leads to the page that follows
            f"{start}<path:object_id>/change/": {"GET": "OPERATOR", "POST": words["change"]},
            f"{start}<path:object_id>/delete/": both(words["delete"]),
            f"{start}<path:object_id>/history/": both("OPERATOR"),
        }
    return found


def both(word):
    """The same answer to GET and POST."""
    return {"GET": word, "POST": word}


def admin_address(text, rows):
    """The address of a page, about a row that is there; `rows`: {model: row}."""
    of = {f"{ADMIN}{model._meta.app_label}/{model._meta.model_name}/": row.pk for model, row in rows.items()}
    start = next((start for start in of if text.startswith(start)), None)
    more = {"object_id": of[start], "id": of[start]} if start else OTHERS
    return filled(text, more)
