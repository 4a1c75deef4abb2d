"""Settings of the environment: a wrong one stops the start with one clear line; a good set passes Django's check."""

import os
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


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("REGISTRATION", "perhaps", "invitation"),
        ("HSTS_SECONDS", "60", "HTTPS"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "proxy"),
        ("EMAIL_HOST", "mail.example.org", "EMAIL_FROM"),
        ("EMAIL_SECURITY", "ssl", "starttls"),
        ("PUBLIC_URL", "yolo.example.org", "https://"),
        ("SIGN_IN_FAILURES", "0", "out of range"),
        ("RATE_OF_USERS", "many", "int"),
    ],
)
def test_wrong_setting_stops_the_start_with_a_line_that_names_it(name, value, word, tmp_path):
    ran = check(tmp_path, **{name: value})
    last = ran.stderr.strip().splitlines()[-1]
    assert ran.returncode != 0
    assert name in last
    assert word in last


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
