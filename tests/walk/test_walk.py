"""Every address, with every method, as everybody: what is answered is what the table says, and each has its row."""

from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test import Client

from conftest import person

from .admin_table import ADMIN, ADMIN_MODELS, ADMIN_PAGES, EXPECTED_IN_ADMIN, admin_address, admin_rows
from .routes import METHODS, all_routes, filled
from .table import EXPECTED, HIDDEN, IN, NO_METHOD, REFUSED, SIGN_IN, TABLE
from .things import things
from .world import actors, team, values_of, world  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_connection")]
ERRORS = (500, 501, 502)  # 503 is an answer: readyz says so where no worker is
FURTHEST = ("nobody", "owner", "operator")  # a method that a view lacks is asked as those who would get furthest


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


def ask(client: Client, method, address, form=None):
    """What `client` is answered; nothing of what the question did stays. `form`: what is sent of a page's form."""
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}
    body, kind = ("", "application/json") if form is None else (urlencode(form), "application/x-www-form-urlencoded")
    with transaction.atomic():
        response = client.generic(method, address, body, kind)
        said = meaning(response)
        response.close()
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    return said


def answers(browsers, method, address, form=None):
    return {name: ask(client, method, address, form) for name, client in browsers.items()}


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
            if method not in row and connection.vendor == "postgresql":
                continue  # it does not get as far as the database
            who = browsers if method in row else {name: browsers[name] for name in FURTHEST}
            said = answers(who, method, address)
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


def test_every_page_of_the_admin_has_its_row_and_every_row_its_page():
    """A new ModelAdmin has pages that no row speaks of; so has one with a page besides Django's own."""
    routes = {route.text for route in all_routes() if route.text.startswith(ADMIN)}
    rows = set(admin_rows(admin.site._registry, ADMIN_MODELS)) | set(ADMIN_PAGES)
    named = {model._meta.label_lower for model in admin.site._registry}
    assert named == set(ADMIN_MODELS), f"models with a row or a page only: {named ^ set(ADMIN_MODELS)}"
    assert routes == rows, f"pages with a row or a route only: {routes ^ rows}"


@pytest.mark.parametrize("half", [0, 1])
def test_the_admin_answers_as_its_table_says(half, world, browsers, page_as):  # noqa: F811
    browsers["staff"] = page_as(person("clerk", is_staff=True))
    browsers["staff"].raise_request_exception = False
    rows = things(admin.site._registry)
    table = admin_rows(admin.site._registry, ADMIN_MODELS) | ADMIN_PAGES
    surprises = []
    for text, row in list(table.items())[half::2]:
        address = admin_address(text, rows)
        form = {"post": "yes"} if text.endswith("/delete/") else {}
        for method in METHODS:
            word, said = row.get(method, "NO_METHOD"), answers(browsers, method, address, form)
            wrong = {name: answer for name, answer in said.items() if answer != EXPECTED_IN_ADMIN[word][name]}
            if wrong:
                surprises.append(f"{method} {text}: {wrong}, expected {word}")
    assert not surprises, "\n".join(surprises)
