"""Every address, with every method, as everybody: what is answered is what the table says, and each has its row."""

from http.cookies import SimpleCookie

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client

from .routes import METHODS, all_routes, filled
from .table import ADMIN, EXPECTED, TABLE
from .world import actors, team, values_of, world  # noqa: F401

FOR_ALL = ("admin/login/", "admin/logout/", "admin/jsi18n/", "admin/password_change/")  # or lead to pages that are
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_connection")]
ERRORS = (500, 501, 502)  # 503 is an answer: readyz says so where no worker is
SIGN_IN, HIDDEN, REFUSED, NO_METHOD, IN = "sign in", "hidden", "refused", "no such method", "in"


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch):
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *args, **more: None)
    monkeypatch.setattr(default_storage, "delete", lambda name: None)  # a file does not come back with its row


@pytest.fixture
def browsers(actors, page_as):  # noqa: F811
    """{actor: a client of theirs, whom an error of the platform answers 500}."""
    found = {name: page_as(user) for name, user in actors.items()}
    for client in found.values():
        client.raise_request_exception = False
    return found


def meaning(response):
    """What an answer says about who asked."""
    if response.status_code == 302 and response["Location"].startswith(("/account/sign-in", "/admin/login")):
        return SIGN_IN
    named = {401: SIGN_IN, 403: REFUSED, 404: HIDDEN, 405: NO_METHOD}
    return named.get(response.status_code, f"{response.status_code}" if response.status_code in ERRORS else IN)


def ask(client: Client, method, address):
    """What `client` is answered; nothing of what the question did stays."""
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    with transaction.atomic():
        response = client.generic(method, address, "", "application/json")
        said = meaning(response)
        response.close()
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    return said


def answers(browsers, method, address):
    return {name: ask(client, method, address) for name, client in browsers.items()}


def test_every_route_has_its_row_and_every_row_its_route():
    routes = {route.text for route in all_routes() if not route.text.startswith(ADMIN)}
    assert routes - set(TABLE) == set(), "routes without a row"
    assert set(TABLE) - routes == set(), "rows without a route"


@pytest.mark.parametrize("part", ["account", "datasets", "training", "models", "deployments", "api", ""])
def test_everybody_is_answered_as_the_table_says(part, world, browsers):  # noqa: F811
    surprises = []
    for text, row in TABLE.items():
        if part_of(text) != part:
            continue
        address = filled(text, values_of(text, world)) + world["queries"].get(text, "")
        for method in METHODS:
            said = answers(browsers, method, address)
            wanted = {name: EXPECTED[row[method]][name] for name in said} if method in row else None
            if wanted is None:  # it may ask to sign in first; but nobody gets further
                wrong = {name: word for name, word in said.items() if word not in (NO_METHOD, SIGN_IN, HIDDEN)}
            else:
                wrong = {name: word for name, word in said.items() if word != wanted[name]}
            if wrong:
                surprises.append(f"{method} {text}: {wrong}, expected {row.get(method, NO_METHOD)}")
    assert not surprises, "\n".join(surprises)


def part_of(text):
    first = text.split("/")[0]
    return first if first in ("account", "datasets", "training", "models", "deployments", "api") else ""


def test_the_admin_is_the_operators(world, browsers):  # noqa: F811
    surprises = []
    for route in all_routes():
        if not route.text.startswith(ADMIN) or route.text in FOR_ALL:
            continue
        values = {"app_label": "datasets", "url": "nothing", "object_id": 1, "content_type_id": 1, "id": 1, "pk": 1}
        address = filled(route.text, values)
        said = answers({name: client for name, client in browsers.items() if name != "operator"}, "GET", address)
        surprises += [f"{route.text}: {name} {word}" for name, word in said.items() if word != SIGN_IN]
        word = ask(browsers["operator"], "GET", address)
        if word not in (IN, HIDDEN, REFUSED, NO_METHOD):  # no such row; or what is only shown may not be added
            surprises.append(f"{route.text}: operator {word}")
    assert not surprises, "\n".join(surprises)
