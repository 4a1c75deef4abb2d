"""Registering: on the page and over the API, one set of rules."""

import os
from importlib import import_module

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError

from apps.accounts import forms, serializers
from apps.accounts.models import User

PASSWORD = "correct horse 9"


def by_api(api_as, username="dora", email="dora@example.org", password=PASSWORD):
    return api_as().post("/api/v1/auth/register", {"username": username, "email": email, "password": password})


def by_page(client, username="dora", email="dora@example.org", password=PASSWORD, again=None):
    data = {"username": username, "email": email, "password1": password, "password2": again or password}
    return client.post("/account/register", data)


@pytest.mark.django_db
def test_new_account_over_the_api_answers_the_user_without_the_password(api_as):
    response = by_api(api_as)
    assert response.status_code == 201
    assert response.json() | {"created_at": 0, "updated_at": 0} == {
        "id": User.objects.get().pk, "email": "dora@example.org", "username": "dora", "is_active": True,
        "is_superuser": False, "created_at": 0, "updated_at": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_new_account_on_the_page_is_signed_in(client):
    assert by_page(client).headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.django_db
def test_nobody_registers_as_an_operator(api_as, client):
    extra = {"is_superuser": True, "is_staff": True, "id": 77}
    api_as().post(
        "/api/v1/auth/register", {"username": "eve", "email": "eve@example.org", "password": PASSWORD, **extra}
    )
    client.post(
        "/account/register",
        {"username": "ed", "email": "ed@example.org", "password1": PASSWORD, "password2": PASSWORD, **extra},
    )
    assert User.objects.count() == 2
    assert not User.objects.filter(is_superuser=True).exists()
    assert not User.objects.filter(is_staff=True).exists()


TAKEN = [
    ("username", {"username": "ALICE"}),
    ("email", {"email": "Alice@Example.ORG"}),
    ("username", {"username": "ａｌｉｃｅ"}),  # full-width letters, the same name once normalized
]


@pytest.mark.parametrize(("field", "change"), TAKEN)
def test_name_and_email_are_unique_in_any_case_over_the_api(field, change, alice, api_as):
    response = by_api(api_as, **change)
    assert (response.status_code, list(response.json())) == (400, [field])


@pytest.mark.parametrize(("field", "change"), TAKEN)
def test_name_and_email_are_unique_in_any_case_on_the_page(field, change, alice, client):
    response = by_page(client, **change)
    assert list(response.context["form"].errors) == [field]
    assert User.objects.count() == 1


BAD = [
    ("password", {"password": "short1"}),
    ("password", {"password": "password"}),
    ("password", {"password": "84736251"}),
    ("password", {"password": "dora@example.org"}),
    ("username", {"username": "dora@home"}),
    ("username", {"username": ""}),
    ("username", {"username": "a" * 151}),
    ("username", {"username": "do ra"}),
    ("username", {"username": "do\x00ra"}),
    ("email", {"email": "not an email"}),
    ("email", {"email": ""}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "change"), BAD)
def test_bad_input_names_its_field_over_the_api(field, change, api_as):
    response = by_api(api_as, **change)
    assert (response.status_code, list(response.json())) == (400, [field])


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "change"), BAD)
def test_bad_input_names_its_field_on_the_page(field, change, client):
    errors = by_page(client, **change).context["form"].errors
    assert all(name.startswith(field) for name in errors), errors
    assert errors
    assert not User.objects.exists()


@pytest.mark.django_db
def test_two_different_passwords_are_refused(client):
    assert "password2" in by_page(client, again="something else 9").context["form"].errors


def test_loser_of_a_race_for_a_name_hears_that_it_is_taken(alice, api_as, client, monkeypatch):
    """Both checks passed before either row was there: the database decides."""
    monkeypatch.setattr(serializers.UserSerializer, "_free", lambda self, field, value: value)
    monkeypatch.setattr(forms.RegisterForm, "clean_username", lambda self: self.cleaned_data["username"])
    monkeypatch.setattr(User, "validate_unique", lambda self, **_: None)
    monkeypatch.setattr(User, "validate_constraints", lambda self, **_: None)
    response = by_api(api_as, username="Alice")
    assert response.status_code == 400
    assert "taken" in str(response.json())
    assert "taken" in str(by_page(client, username="Alice").context["form"].errors)


@pytest.mark.django_db
def test_closed_registration_is_refused_with_words(settings, api_as, client):
    settings.REGISTRATION = "closed"
    response = by_api(api_as)
    assert response.status_code == 403
    assert "operator" in response.json()["detail"]
    for page in (client.get("/account/register"), by_page(client)):
        assert page.status_code == 403
        assert b"operator" in page.content
    assert not User.objects.exists()


@pytest.mark.django_db
def test_database_itself_holds_names_apart_by_more_than_case(alice):
    with pytest.raises(IntegrityError):
        User.objects.create(username="Alice", email="other@example.org")


@pytest.mark.django_db
def test_passwords_are_stored_with_bcrypt(settings, api_as, rf):
    settings.PASSWORD_HASHERS = import_module(os.environ["DJANGO_SETTINGS_MODULE"]).PASSWORD_HASHERS
    by_api(api_as)
    user = User.objects.get()
    assert user.password.startswith("bcrypt_sha256$$2b$12$")
    assert PASSWORD not in user.password
    assert authenticate(rf.post("/"), username="dora", password=PASSWORD) == user
    assert authenticate(rf.post("/"), username="dora", password=PASSWORD + " ") is None
