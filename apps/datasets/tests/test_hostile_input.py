"""Whatever comes in, the answer is never 500. (The test client raises what a server would answer with 500.)"""

import itertools
import json

import pytest

HUGE = [10**18, 10**19, 10**30, int("9" * 4000)]
PATHS = [
    "/datasets/{}/", "/datasets/{}/settings", "/datasets/{d}/images/{}/file", "/datasets/{d}/images/{}/thumbnail",
    "/jobs/{}/", "/jobs/{}/file", "/api/v1/datasets/{}", "/api/v1/datasets/{}/images", "/api/v1/datasets/{d}/images/{}",
    "/api/v1/jobs/{}", "/api/v1/jobs/{}/file",
]  # fmt: skip


def fill_in(path, value, dataset):
    return path.replace("{d}", str(dataset.pk)).replace("{}", str(value))


@pytest.mark.parametrize("path", PATHS)
def test_paths_with_odd_ids_answer_404(path, dataset, images, page_as):
    browser = page_as(dataset.owner)
    odd = [*HUGE, "9" * 6000, 0, -1, "1.5", "abc", "%00", "1%00", "é", "%ff", "1e3", "../1", "None", "0x1"]
    for value in odd:
        assert browser.get(fill_in(path, value, dataset)).status_code == 404, value


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "/api/v1/datasets/{}"), ("delete", "/api/v1/datasets/{}"), ("delete", "/api/v1/auth/tokens/{}"),
        ("post", "/api/v1/jobs/{}/cancel"), ("patch", "/api/v1/datasets/{d}/images/{}"),
        ("delete", "/api/v1/datasets/{d}/images/{}"), ("post", "/api/v1/datasets/{}/images/bulk"),
        ("post", "/api/v1/datasets/{}/split"),
    ],
)  # fmt: skip
def test_changes_to_odd_ids_answer_404(method, path, dataset, images, api_as):
    for value in (*HUGE, "9" * 6000, "abc", "%00"):
        response = getattr(api_as(dataset.owner), method)(fill_in(path, value, dataset), {})
        assert response.status_code == 404, value


LISTS = [
    "/datasets/",
    "/datasets/{d}/",
    "/api/v1/datasets",
    "/api/v1/datasets/{d}/images",
    "/api/v1/jobs",
    "/api/v1/auth/tokens",
]
KEYS = [
    "page",
    "page_size",
    "cursor",
    "search",
    "owner",
    "is_public",
    "split",
    "labeled",
    "state",
    "class_id",
    "format",
]
VALUES = [
    "-1", "0", "1", "x", "1e9", "1e400", "1e1000000", "nan", "inf", "9" * 30, "9" * 5000, "%00", "a%00b",
    "%ff%fe", "%ED%A0%80", "%F0%9F%90%8D", "' OR 1=1 --", "[]", "{}", "%25", "\\", "a" * 3000, "",
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_odd_queries_are_answered(path, dataset, images, page_as):
    browser = page_as(dataset.owner)
    for key, value in itertools.product(KEYS, VALUES):
        response = browser.get(f"{fill_in(path, '', dataset)}?{key}={value}")
        assert response.status_code in (200, 400, 404), (key, value)
    assert browser.get(f"{fill_in(path, '', dataset)}?page=1&page=2&search=a&search=b").status_code in (200, 404)


CALLS = [
    ("post", "/api/v1/auth/register", ["username", "email", "password"]),
    ("post", "/api/v1/auth/login", ["username", "email", "password"]),
    ("post", "/api/v1/auth/refresh", ["refresh"]),
    ("post", "/api/v1/auth/verify", ["token"]),
    ("patch", "/api/v1/auth/me", ["username", "email"]),
    ("post", "/api/v1/auth/tokens", ["name", "scope", "expires_at"]),
    ("post", "/api/v1/datasets", ["name", "description", "task", "class_names", "is_public"]),
    ("patch", "/api/v1/datasets/{d}", ["name", "description", "task", "class_names", "is_public"]),
    ("patch", "/api/v1/datasets/{d}/images/{i}", ["split"]),
    ("post", "/api/v1/datasets/{d}/images/bulk", ["ids", "filter", "action", "split"]),
    (
        "post",
        "/api/v1/datasets/{d}/split",
        ["train", "val", "test", "seed", "stratify", "only_unassigned", "keep_together", "before_number"],
    ),
]
GOOD = {
    "username": "dora", "email": "dora@example.org", "password": "correct horse 9", "name": "x", "ids": [1],
    "action": "split", "split": "val", "train": 1, "val": 0, "test": 0,
}  # fmt: skip
ODD = [
    "null", "true", "0", "-1", "1.5", str(10**30), "9" * 5000, "1e400", '""', '"\\u0000"', '"\\ud800"', '"a\\ud800b"',
    '"' + "x" * 9000 + '"', "[]", "[null]", "[[]]", '[{"a": 1}]', f"[{10**30}]", '["\\ud800"]', "{}", '{"": ""}',
    '{"split": {}}', '{"labeled": []}',
    '{"class_id": 1e30}', '{"search": "\\ud800"}', '{"\\ud800": "x"}', "[" * 5000 + "]" * 5000,
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "fields"), CALLS, ids=[call[1] for call in CALLS])
def test_odd_values_in_a_body_are_answered(method, path, fields, dataset, images, api_as, settings):
    settings.AXES_ENABLED = False  # so many wrong passwords would be locked out
    api = api_as(dataset.owner)
    address = path.format(d=dataset.pk, i=images[0].pk)
    for field, odd in itertools.product(fields, ODD):
        rest = {key: value for key, value in GOOD.items() if key in fields and key != field}
        body = json.dumps(rest)[:-1] + (", " if rest else "") + f"{json.dumps(field)}: {odd}}}"
        response = api.generic(method.upper(), address, body, content_type="application/json")
        assert response.status_code in (200, 201, 202, 400, 401, 409), (field, odd[:40])
        assert response["Content-Type"] == "application/json"
        json.loads(response.content)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/register", ["username", "email", "password1", "password2"]),
        ("/account/sign-in", ["username", "password"]),
        ("/account/tokens", ["name", "scope", "expires_at"]),
        ("/datasets/new", ["name", "description", "task", "class_names"]),
        ("/datasets/{d}/settings", ["name", "description"]), ("/datasets/{d}/split", ["train", "val", "test", "seed"]),
    ],
)  # fmt: skip
def test_odd_values_in_a_form_are_answered(path, fields, dataset, page_as):
    signed_in = path.startswith("/datasets") or "tokens" in path
    browser = page_as(dataset.owner if signed_in else None)
    odd = [
        "",
        "\x00",
        "a\x00b",
        "9" * 5000,
        str(10**30),
        "-1",
        "1e400",
        "nan",
        "x" * 9000,
        "\u202e",
        "0001-01-01",
        "9999-12-31",
    ]
    for field, value in itertools.product(fields, odd):
        data = {
            "name": "x",
            "task": "detect",
            "train": 100,
            "val": 0,
            "test": 0,
            "seed": 0,
            "scope": "read",
            field: value,
        }
        assert browser.post(path.format(d=dataset.pk), data).status_code in (200, 302, 400), (field, value[:40])
