"""The application of the web process: the short way of predictions with a key answers as the whole one does."""

import io

import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

from apps.accounts.services import create_token
from yolotrainer.wsgi import FOR_PROGRAMS, PREDICTION_PATH, application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_connection")]
TAKEN = ("Token {key}", "Token unknown", "Bearer {key}", "Token ", "Token")


@pytest.fixture
def key(alice, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    return create_token(alice, "machine", "infer")[1]


def answer(app, method="POST", path=PREDICTION_PATH, host="testserver", **more):
    """(status, headers, body) of a call."""
    told, body = [], b'{"model_id": 9999, "image": "aGFsbG8="}'
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": host, "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": host, "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1", "HTTP_X_REQUEST_ID": "one-for-both", **more,
    }  # fmt: skip
    response = app(environ, lambda status, headers: told.append((status, headers)))
    try:
        return told[0][0], sorted(told[0][1]), b"".join(response)
    finally:
        response.close()


@pytest.mark.parametrize(
    "call",
    [*({"HTTP_AUTHORIZATION": one} for one in TAKEN), {}, {"method": "GET"}, {"path": PREDICTION_PATH + "/"},
     {"HTTP_ORIGIN": "https://evil.example"}],
    ids=str,
)  # fmt: skip
def test_the_short_way_answers_as_the_whole_one(key, call):
    call = {"HTTP_AUTHORIZATION": f"Token {key}"} | {name: text.format(key=key) for name, text in call.items()}
    short, whole = answer(application, **call), answer(get_wsgi_application(), **call)
    assert short == whole
    assert ("X-Frame-Options", "DENY") in short[1]


def test_another_host_is_refused_on_the_short_way_too(key):
    call = {"HTTP_AUTHORIZATION": f"Token {key}", "host": "evil.example"}
    short, whole = answer(application, **call), answer(get_wsgi_application(), **call)
    assert short[0] == whole[0] == "400 Bad Request"
    assert [name for name, _ in short[1]] == [name for name, _ in whole[1]]


def test_only_predictions_with_a_key_go_the_short_way(key, monkeypatch):
    passed = []
    monkeypatch.setattr(application, "_short", lambda request: passed.append("short") or application._whole(request))
    answer(application, HTTP_AUTHORIZATION=f"Token {key}")
    assert passed == ["short"]
    answer(application, path="/api/v1/datasets", HTTP_AUTHORIZATION=f"Token {key}")
    answer(application, HTTP_AUTHORIZATION="Basic x")
    answer(application)
    assert passed == ["short"]


def test_a_browsers_session_does_not_pass_without_its_csrf_token(client, alice):
    client.force_login(alice, backend="apps.accounts.backends.UsernameOrEmailBackend")
    cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    status, _, body = answer(application, host="localhost", HTTP_COOKIE=cookies)
    assert status.startswith("403")
    assert b"CSRF" in body


def test_a_new_middleware_is_for_programs_or_said_to_be_for_browsers():
    browsers = {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "apps.accounts.access.OperatorsNeedTotp",  # of sessions; JWTs are refused at the login
        "apps.accounts.access.UnverifiedOnlyLook",  # of pages; the API has the rule in its permissions
        "apps.core.middleware.PageMethods",
        "apps.core.middleware.DatabaseAway",  # of pages; the API says it in its own form
        "django.contrib.messages.middleware.MessageMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "apps.accounts.browsers.SeenSessions",
        "axes.middleware.AxesMiddleware",
    }
    assert [one for one in django_settings.MIDDLEWARE if one not in browsers] == list(FOR_PROGRAMS)


def test_a_key_beside_a_cookie_goes_the_whole_way(key, monkeypatch):
    passed = []
    monkeypatch.setattr(application, "_whole", lambda request: passed.append("whole") or HttpResponse())
    answer(application, HTTP_AUTHORIZATION=f"Token {key}", HTTP_COOKIE="theme=dark")
    assert passed == ["whole"]


def test_the_rule_of_operators_is_asked_on_both_ways(key, settings):
    settings.OPERATOR_TOTP = True
    call = {"HTTP_AUTHORIZATION": f"Token {key}"}
    assert answer(application, **call)[0] == answer(get_wsgi_application(), **call)[0] == "404 Not Found"
