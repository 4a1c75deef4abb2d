"""Who is answered what: `rows.txt` has a row for each route, and here stands what each word in it means for who asks.

The world's things belong to a team. `INSIDE` … `MANAGE` are the rights of `apps.core.access`.
"""

from pathlib import Path

from apps.core.access import ROLES, Right

HOME = "HOME"  # the route without text
SIGN_IN, HIDDEN, REFUSED, NO_METHOD, IN = "sign in", "hidden", "refused", "no such method", "in"
ACTORS = ("nobody", "outsider", *ROLES, "operator")


def _for(nobody, outsider, *roles, operator=IN):
    """{actor: answer}; `roles` for viewer, labeller, reviewer, admin and owner, or one for all of them."""
    each = roles if len(roles) > 1 else roles * len(ROLES)
    return dict(zip(ACTORS, (nobody, outsider, *each, operator), strict=True))


def _of(right):
    return _for(SIGN_IN, HIDDEN, *(IN if held >= right else REFUSED for held in ROLES.values()))


EXPECTED = {
    "ANYONE": _for(IN, IN, IN),
    "SIGNED_IN": _for(SIGN_IN, IN, IN),
    **{right.name: _of(right) for right in (Right.INSIDE, Right.LABEL, Right.REVIEW, Right.EDIT, Right.MANAGE)},
    # what is a person's own, here the team owner's: a token, an upload
    "OWN": _for(SIGN_IN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, IN, operator=HIDDEN),
    "OWN_OR_OPERATOR": _for(SIGN_IN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, IN),
    "OPERATOR": _for(SIGN_IN, REFUSED, REFUSED),
    # the second half of a sign-in, for who is in its midst
    "HALFWAY": _for(SIGN_IN, SIGN_IN, SIGN_IN, operator=SIGN_IN),
    "NOTHING": _for(SIGN_IN, HIDDEN, HIDDEN, operator=HIDDEN),
}

ROWS = (Path(__file__).parent / "rows.txt").read_text()


def parsed(text):
    """{route: {method: word}}"""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        route, *pairs = line.split()
        methods = zip(pairs[::2], pairs[1::2], strict=True)
        found["" if route == HOME else route] = {m: word for many, word in methods for m in many.split(",")}
    return found


TABLE = parsed(ROWS)
