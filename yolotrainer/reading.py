"""How settings are read from the environment: a wrong value is refused in one line that names it and what is accepted.

An empty value is as good as none. What may hold a password is never shown.
"""

import math
import os
import re
from ipaddress import ip_network
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from environ import Env

YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
SHOWN = 100  # characters of a wrong value
HOST = r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])"
ENDPOINT = re.compile(rf"(https?://{HOST}(?::\d{{1,5}})?)(?:/[\w./-]*)?", re.ASCII)
ORIGIN = re.compile(rf"https?://{HOST}(?::\d{{1,5}})?", re.ASCII)
WILD_ORIGIN = re.compile(rf"https?://(?:\*\.)?{HOST}(?::\d{{1,5}})?", re.ASCII)
ALLOWED_HOST = re.compile(rf"\*|\.?{HOST}", re.ASCII)
REDIS = re.compile(rf"rediss?://(?:[^/?#\s]*@)?{HOST}(?::\d{{1,5}})?/?", re.ASCII)
RATE = re.compile(r"([1-9]\d{0,8})/(?:(s|sec|second)|(m|min|minute)|(h|hour)|(d|day))")
DATABASE = re.compile("(postgres|postgresql|psql|pgsql|sqlite)://")
ACCEPTED_DATABASES = "postgres://user:password@host:5432/name (of the password what is no letter or digit as %XX), sqlite:////folder/file"


def read_file(path):
    """Have the settings of a file, where it is there, in the environment; what is set there already stays."""
    if path.exists():
        Env.read_env(path)


def setting(kind, name, default, low=None, high=None):
    """One setting as `kind` ("int", "float", "bool", "str", "list"), else its default; numbers within their range."""
    text = os.environ.get(name, "")
    if not text.strip():
        return default
    read, accepted = KINDS[kind]
    try:
        value = read(text)
    except ValueError:
        raise refusal(name, text, accepted) from None
    if (low is not None and value < low) or (high is not None and value > high):
        wanted = f"{low} to {high}" if high is not None else f"{low} or more"
        raise ImproperlyConfigured(f"{name}={value} is out of range. Accepted: {wanted}.")
    return value


def refusal(name, value, accepted):
    """What to raise for a value that may be shown."""
    shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
    return ImproperlyConfigured(f"{name}={shown!r} cannot be used. Accepted: {accepted}.")


def silent_refusal(name, accepted):
    """What to raise for a value that may hold a password."""
    return ImproperlyConfigured(f"{name} cannot be used (not shown: it may hold a password). Accepted: {accepted}.")


def matching(name, default, pattern, accepted):
    """A text that the whole `pattern` matches."""
    value = setting("str", name, default)
    if value != default and not re.fullmatch(pattern, value):
        raise refusal(name, value, accepted)
    return value


def one_of(name, default, *others):
    """One word of a few."""
    words = dict.fromkeys([default, *others])
    return matching(name, default, "|".join(words), ", ".join(words))


def all_matching(name, default, pattern, accepted):
    """A list of texts that the whole `pattern` matches, one by one."""
    values = setting("list", name, default)
    for value in values:
        if not re.fullmatch(pattern, value):
            raise refusal(name, value, accepted)
    return values


def networks(name):
    """A list of addresses and networks."""
    texts = setting("list", name, [])
    try:
        return [ip_network(text) for text in texts]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={','.join(texts)}: {error}. Accepted: addresses and networks.") from None


class Rate(NamedTuple):
    """`most` times in `seconds`."""

    most: int
    seconds: int


def rate(name, default):
    """A Rate, written as 30/min."""
    text = setting("str", name, default)
    found = RATE.fullmatch(text.strip().lower())
    if not found:
        raise refusal(name, text, "a number of times in a second, minute, hour or day, as 5/s, 30/min, 200/h or 1000/d")
    most, *units = found.groups()
    return Rate(int(most), next(seconds for unit, seconds in zip(units, (1, 60, 3600, 86_400), strict=True) if unit))


def endpoint(name):
    """The address of a web server, or None. It is not shown where it is wrong: keys were put into it."""
    address = setting("str", name, None)
    if address and not ENDPOINT.fullmatch(address):
        raise silent_refusal(name, "http://host or https://host, with :port or not")
    return address


def redis_address(name):
    """The address of a Redis-protocol server without a slash at its end, or an empty text."""
    address = setting("str", name, "")
    if address and not REDIS.fullmatch(address):
        wanted = "redis://host:6379 or redis://user:password@host:6379, rediss:// for TLS, without a database's number"
        raise silent_refusal(name, wanted)
    return address.rstrip("/")


def database(name):
    """Django's words for the database that an address names, or None."""
    address = setting("str", name, "")
    if not address:
        return None
    try:
        found = Env.db_url_config(address) if DATABASE.match(address) else {}
    except ValueError:  # of a port that is none, for the password has a slash
        found = {}
    if not found.get("NAME"):
        raise silent_refusal(name, ACCEPTED_DATABASES)
    return found


def both_or_none(one, other):
    """Refuse half of a pair of settings."""
    given, missing = (one, other) if setting("str", one, "") else (other, one)
    if setting("str", given, "") and not setting("str", missing, ""):
        raise ImproperlyConfigured(f"{given} is set and {missing} is not. Accepted: both, or neither.")


def s3_account(prefix, instead=None):
    """An S3 store and an account there, as options of its storage; of what is not set, `instead` has it, or None.

    Keys that are not set at all are the machine's role, or what else boto3 finds.
    """
    both_or_none(f"{prefix}_ACCESS_KEY", f"{prefix}_SECRET_KEY")
    options = {
        "endpoint_url": endpoint(f"{prefix}_ENDPOINT_URL"),
        "region_name": matching(f"{prefix}_REGION", None, r"[A-Za-z0-9-]+", "a region's name, as eu-central-1"),
        "access_key": setting("str", f"{prefix}_ACCESS_KEY", None),
        "secret_key": setting("str", f"{prefix}_SECRET_KEY", None),
    }
    return {name: value or (instead or {}).get(name) for name, value in options.items()}


def needed(name, why, accepted):
    """Refuse that a setting is missing."""
    if not setting("str", name, ""):
        raise ImproperlyConfigured(f"{name} must be set: {why}. Accepted: {accepted}.")


def _bool(text):
    word = text.strip().lower()
    if word not in YES + NO:
        raise ValueError
    return word in YES


def _float(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _list(text):
    return [part.strip() for part in text.split(",") if part.strip()]


KINDS = {
    "int": (int, "a whole number"),
    "float": (_float, "a number"),
    "bool": (_bool, "true or false (also 1, yes, on; 0, no, off)"),
    "str": (str, "a text"),
    "list": (_list, "texts with commas between"),
}
