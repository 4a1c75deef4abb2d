"""Settings of the environment: a wrong one stops the start with one clear line; a good set passes Django's check."""

import os
import re
import runpy
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from yolotrainer.defaults import store_origins

CHECK = [sys.executable, str(settings.BASE_DIR / "manage.py"), "check"]


USUAL = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}  # set for tests


def check(tmp_path, *more, **environment):
    env = {**USUAL, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings", **environment}
    return subprocess.run([*CHECK, *more], env=env, capture_output=True, text=True, timeout=120, cwd=settings.BASE_DIR)


def read_settings(monkeypatch, tmp_path, **environment):
    """What the settings are with this environment, worked out in this process; the platform's own stay as they are."""
    for name in listed_settings() | set(environment):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"DATA_DIR": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(settings.BASE_DIR / "yolotrainer" / "settings.py"))


def listed_settings():
    return set(re.findall(r"^# (\w+)=", (settings.BASE_DIR / ".env.example").read_text(), re.M))


WRONG = [  # name, value, what the line says is accepted
    ("REGISTRATION", "perhaps", "invitation"),
    ("HSTS_SECONDS", "60", "HTTPS"),
    ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "networks"),
    ("EMAIL_HOST", "mail.example.org", "EMAIL_FROM"),
    ("EMAIL_SECURITY", "ssl", "starttls"),
    ("PUBLIC_URL", "yolo.example.org", "https://"),
    ("SIGN_IN_FAILURES", "0", "1 or more"),
    ("RATE_OF_USERS", "many", "whole number"),
    ("SIGN_IN_RATE", "abc", "30/min"),
    ("SIGN_IN_RATE", "0/min", "30/min"),
    ("SIGN_IN_RATE", "30 per minute", "30/min"),
    ("OPERATOR_TOTP", "ja", "true or false"),
    ("HTTPS", "1x", "true or false"),
    ("DEBUG", "perhaps", "true or false"),
    ("HSTS_SUBDOMAINS", "2", "true or false"),
    ("CSRF_TRUSTED_ORIGINS", "yolo.example.org", "https://"),
    ("CSRF_TRUSTED_ORIGINS", "https://a.example.org,https://b.example.org/", "https://"),
    ("CORS_ORIGINS", "app.example.org", "https://"),
    ("CORS_ORIGINS", "https://*.example.org", "https://"),
    ("ALLOWED_HOSTS", "https://yolo.example.org", "without https://"),
    ("ALLOWED_HOSTS", "localhost,yolo.example.org:8000", "port"),
    ("COOKIE_SUFFIX", "; path=/", "letters"),
    ("DATABASE_URL", "garbage", "postgres://"),
    ("DATABASE_URL", "mysql://yolo:hush@database/yolo", "postgres://"),
    ("DATABASE_URL", "postgres://yolo:hush@database", "postgres://"),
    ("DATABASE_URL", "postgres://yolo:hush/hush@database/yolo", "%XX"),
    ("REDIS_URL", "foo", "redis://"),
    ("REDIS_URL", "http://:hush@queue:6379", "redis://"),
    ("REDIS_URL", "redis://:hush@queue:6379/3", "without a database's number"),
    ("S3_ENDPOINT_URL", "foo", "https://host"),
    ("S3_ENDPOINT_URL", "https://key:hush@s3.example.org", "https://host"),
    ("S3_BUCKET", "s3://bucket", "letters"),
    ("S3_REGION", "eu central", "eu-central-1"),
    ("S3_ACCESS_KEY", "hush", "both, or neither"),
    ("S3_SECRET_KEY", "hush", "both, or neither"),
    ("BACKUP_S3_ENDPOINT_URL", "https://key:hush@s3.example.org", "https://host"),
    ("BACKUP_S3_SECRET_KEY", "hush", "both, or neither"),
    ("TRAINERS", "abc", "whole number"),
    ("TRAINERS", "0", "1 to 64"),
    ("TRAINING_DEVICE", "banana", "cpu"),
    ("TRAINING_DEVICE", "gpu0", "cpu"),
    ("TRAINING_MAX_HOURS", "2h", "a number"),
    ("TRAINING_MAX_HOURS", "nan", "a number"),
    ("JWT_REFRESH_DAYS", "99999999999", "1 to 36500"),
    ("LOG_LEVEL", "LOUD", "WARNING"),
    ("SENTRY_DSN", "https://errors.example", "Missing public key"),
]


@pytest.mark.parametrize(("name", "value", "accepted"), WRONG)
def test_wrong_setting_is_refused_in_a_line_that_says_what_is_accepted(name, value, accepted, tmp_path, monkeypatch):
    with pytest.raises(ImproperlyConfigured) as refused:
        read_settings(monkeypatch, tmp_path, **{name: value})
    line = str(refused.value)
    assert name in line
    assert accepted in line
    assert "\n" not in line
    assert "hush" not in line


@pytest.mark.parametrize(
    ("start", "environment"),
    [
        (["manage.py", "check"], {"DATABASE_URL": "garbage"}),
        (["manage.py", "migrate"], {"REDIS_URL": "redis://queue:6379", "SECRET_KEY": "", "DATABASE_URL": ""}),
        (["-m", "yolotrainer.process", "worker"], {"TRAINERS": "abc"}),
        (["-m", "yolotrainer.supervisor"], {"HTTPS": "1x"}),
    ],
)
def test_the_start_ends_with_that_line_and_nothing_else(start, environment, tmp_path):
    env = {**USUAL, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings", **environment}
    command = [sys.executable, *start]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, cwd=settings.BASE_DIR)
    assert ran.returncode == 1
    (line,) = (ran.stdout + ran.stderr).splitlines()
    assert "cannot start: " in line
    assert next(iter(environment)) in line


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL"])
@pytest.mark.parametrize("left", ["out", "empty"])
def test_machines_that_share_a_queue_must_be_told_what_else_they_share(missing, left, tmp_path, monkeypatch):
    shared = {"REDIS_URL": "redis://queue:6379", "SECRET_KEY": "k" * 50, "DATABASE_URL": "postgres://a:b@host/name"}
    assert read_settings(monkeypatch, tmp_path, **shared)["SECRET_KEY"] == "k" * 50
    told = shared | {missing: ""} if left == "empty" else {k: v for k, v in shared.items() if k != missing}
    with pytest.raises(ImproperlyConfigured, match=f"^{missing} must be set: with REDIS_URL"):
        read_settings(monkeypatch, tmp_path, **told)
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "on", " true "])
def test_words_for_true(word, tmp_path, monkeypatch):
    assert read_settings(monkeypatch, tmp_path, OPERATOR_TOTP=word)["OPERATOR_TOTP"] is True


@pytest.mark.parametrize("word", ["false", "0", "no", "Off"])
def test_words_for_false(word, tmp_path, monkeypatch):
    assert read_settings(monkeypatch, tmp_path, WEIGHTS_DOWNLOAD=word)["WEIGHTS_DOWNLOAD"] is False


def test_an_empty_value_is_as_good_as_none(tmp_path, monkeypatch):
    usual = read_settings(monkeypatch, tmp_path)
    empty = read_settings(monkeypatch, tmp_path, **dict.fromkeys(listed_settings() - {"DATA_DIR"}, ""))
    told = [name for name in usual if name.isupper()]
    assert len(told) > 150
    assert [name for name in told if usual[name] != empty[name]] == []


RIGHT = {
    "ALLOWED_HOSTS": "yolo.example.org, .example.com, 10.0.0.1, [fd00::1]",
    "CSRF_TRUSTED_ORIGINS": "https://yolo.example.org, https://*.example.org, http://[::1]:8000",
    "CORS_ORIGINS": "https://app.example.org:8443",
    "DATABASE_URL": "postgres://yolo:p%2Fw@database:5433/yolo",
    "REDIS_URL": "rediss://user:pass@queue:6380/",
    "SECRET_KEY": "$ecret",
    "SIGN_IN_RATE": "5/h",
    "TRAINING_DEVICE": "0,1",
    "TRAINERS": "2",
    "TRAINING_MAX_HOURS": "1.5",
    "S3_BUCKET": "b",
    "PUBLIC_URL": "https://yolo.example.org/",
    "LOG_LEVEL": "debug",
}


def test_right_values_come_through_as_they_are_meant(tmp_path, monkeypatch):
    found = read_settings(monkeypatch, tmp_path, **RIGHT)
    assert found["ALLOWED_HOSTS"] == ["yolo.example.org", ".example.com", "10.0.0.1", "[fd00::1]"]
    assert found["CSRF_TRUSTED_ORIGINS"][2] == "http://[::1]:8000"
    assert {k: v for k, v in found["DATABASES"]["default"].items() if k in ("HOST", "PORT", "NAME", "PASSWORD")} == {
        "HOST": "database", "PORT": 5433, "NAME": "yolo", "PASSWORD": "p/w"
    }  # fmt: skip
    assert found["CELERY_BROKER_URL"] == "rediss://user:pass@queue:6380/0"
    assert found["CACHES"]["default"]["LOCATION"] == "rediss://user:pass@queue:6380/1"
    assert found["SECRET_KEY"] == "$ecret"  # no name of another variable
    assert found["SIGN_IN_RATE"] == (5, 3600)
    assert (found["TRAINING_DEVICE"], found["TRAINERS"], found["TRAINING_MAX_HOURS"]) == ("0,1", 2, 1.5)
    assert found["STORAGES"]["default"]["OPTIONS"]["access_key"] is None  # the machine's role, or what boto3 finds
    assert (found["PUBLIC_URL"], found["LOG_LEVEL"]) == ("https://yolo.example.org", "DEBUG")


def test_sqlite_that_an_address_names_is_opened_as_our_own(tmp_path, monkeypatch):
    own = read_settings(monkeypatch, tmp_path)["DATABASES"]["default"]
    named = read_settings(monkeypatch, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/a.sqlite3")["DATABASES"]["default"]
    assert named["OPTIONS"] == own["OPTIONS"]
    assert named["NAME"] == f"{tmp_path}/a.sqlite3"


def test_each_setting_is_listed_once():
    names = re.findall(r"^# (\w+)=", (settings.BASE_DIR / ".env.example").read_text(), re.M)
    assert sorted(names) == sorted(set(names))


def test_check_for_deployment_finds_nothing(tmp_path):
    ran = check(tmp_path, "--deploy", "--fail-level", "WARNING", HTTPS="true", HSTS_SECONDS="31536000")
    assert ran.returncode == 0, ran.stderr


def test_registration_that_was_closed_before_there_were_invitations_stays_closed(tmp_path):
    program = "from django.conf import settings; print(settings.REGISTRATION)"
    env = {**USUAL, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    found = [
        subprocess.run([sys.executable, "-c", program], env=env | more, capture_output=True, text=True, check=True,
                       cwd=settings.BASE_DIR).stdout.strip()
        for more in ({}, {"REGISTRATION_OPEN": "false"}, {"REGISTRATION_OPEN": "false", "REGISTRATION": "invitation"})
    ]  # fmt: skip
    assert found == ["open", "closed", "invitation"]


@pytest.mark.parametrize(
    ("more", "origins"),
    [({}, []), ({"S3_BUCKET": "b", "S3_ENDPOINT_URL": "http://s3.example.org:8333/"}, ["http://s3.example.org:8333"]),
     ({"S3_BUCKET": "b", "S3_ENDPOINT_URL": "http://s3:8333", "S3_SIGNED_SECONDS": "0"}, [])],
)  # fmt: skip
def test_pages_send_to_the_store_where_it_signs_addresses(tmp_path, more, origins):
    program = "from django.conf import settings as s; print(*s.CONTENT_SECURITY_POLICY['DIRECTIVES']['connect-src'])"
    env = {**USUAL, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    env |= {"S3_BUCKET": "", "S3_SIGNED_SECONDS": "300"} | more
    ran = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, cwd=settings.BASE_DIR
    )
    assert ran.stdout.split() == ["'self'", *origins]


@pytest.mark.parametrize(
    ("region", "origins"),
    [("eu-central-1", ["https://b.s3.amazonaws.com", "https://b.s3.eu-central-1.amazonaws.com"]),
     (None, ["https://b.s3.amazonaws.com"])],
)  # fmt: skip
def test_the_store_of_aws_has_an_origin_for_each_bucket(region, origins):
    assert store_origins(None, region, "b") == origins


@pytest.mark.parametrize(
    "endpoint", ["https://key:hush@s3.example.org", "http://s3.example.org; script-src *", "s3.example.org:8333"]
)
def test_an_endpoint_that_is_no_plain_address_is_refused_for_it_goes_into_a_header(endpoint):
    with pytest.raises(ImproperlyConfigured, match="S3_ENDPOINT_URL: accepted"):
        store_origins(endpoint, None, "b")


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [("http://127.0.0.1:8333", "http://127.0.0.1:8333"), ("https://s3.example.org/", "https://s3.example.org")],
)
def test_an_endpoint_is_the_origin_of_its_addresses(endpoint, origin):
    assert store_origins(endpoint, None, "b") == [origin]
