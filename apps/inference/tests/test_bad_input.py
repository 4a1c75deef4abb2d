"""A corpus of bad and rare input, made by code, over every way in: the right answer with a reason, and nothing left."""

import base64
import functools
import io
import json
from datetime import timedelta

import pytest
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from apps.accounts.services import create_token, revoke_token
from apps.inference import services
from apps.inference.runtime import load
from apps.inference.services import answering
from apps.inference.tests.bad_images import NO_IMAGES, RARE, files_of_requests
from conftest import picture, upload

ADDRESS = "/api/v1/predictions/infer"
WAYS = ("form", "body", "base64")
pytestmark = pytest.mark.once  # what decodes and refuses is the same on every database; test_api.py asks on all


def send(api, way, data, **options):
    """Ask in one of WAYS."""
    if way == "form":
        return api.post(ADDRESS, {"image": upload("x.jpg", data), **options}, format="multipart")
    if way == "base64":
        return api.post(ADDRESS, {"image": base64.b64encode(data).decode(), **options}, format="json")
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return api.generic("POST", f"{ADDRESS}?{query}", data, content_type="image/jpeg")


load_once = functools.cache(load)


@pytest.fixture(autouse=True)
def nothing_left(deployed, settings, monkeypatch, kept_connection):
    """Files go to the disk at once, and none may be there when the test is over."""
    monkeypatch.setattr(answering, "load", load_once)  # what is asked is about the questions, not about loading
    services.runtime_of(deployed)  # unpacks its own files now
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    before = files_of_requests()
    yield
    assert files_of_requests() - before == set()


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_image_is_refused_with_a_reason_by_every_way(deployed, api_as, alice, kind):
    for way in WAYS:
        answer = send(api_as(alice), way, NO_IMAGES[kind](), model_id=deployed.pk)
        assert answer.status_code == 400
        assert answer.json()["image"][0].endswith(".")


@pytest.mark.parametrize("kind", RARE)
def test_a_rare_kind_of_image_is_answered_at_its_size(deployed, api_as, alice, kind):
    for way in WAYS:
        answer = send(api_as(alice), way, RARE[kind](), model_id=deployed.pk)
        assert answer.status_code == 200, answer.content
        assert answer.json()["image"] == {"width": 60, "height": 40}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conf", "nan"), ("conf", "inf"), ("conf", -0.1), ("conf", 0), ("conf", 1.01), ("conf", "much"), ("conf", ""),
        ("iou", "nan"), ("iou", 2), ("iou", "1e999"), ("max_det", 0), ("max_det", 3001), ("max_det", "1.5"),
        ("max_det", "9" * 500), ("classes", "a"), ("classes", "-1"), ("classes", "3"), ("classes", "9" * 30),
        ("per_class", "0.5"), ("per_class", '{"0":"nan"}'), ("per_class", '{"0":2}'), ("per_class", '{"9":0.5}'),
        ("per_class", '{"x":0.5}'), ("per_class", "[" * 500), ("model_id", 0), ("model_id", "one"),
        ("model_id", "9" * 40),
    ],
)  # fmt: skip
def test_an_option_out_of_its_range_is_named_and_explained(deployed, api_as, alice, field, value):
    for way in WAYS:
        answer = send(api_as(alice), way, picture(), **{"model_id": deployed.pk, field: value})
        assert answer.status_code == 400, answer.content
        assert answer.json()[field][0].endswith(".")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conf", True), ("conf", []), ("conf", {}), ("conf", None), ("iou", "x"), ("max_det", True), ("max_det", 1.5),
        ("max_det", [1]), ("classes", {"0": 1}), ("classes", [0.5]), ("classes", [[0]]), ("classes", 1),
        ("classes", [True]), ("per_class", [1]), ("per_class", {"0": None}), ("per_class", {"0": [1]}),
        ("image", 7), ("image", None), ("image", ["a"]), ("image", {"a": 1}), ("image", "not base64!"),
        ("image", "abc"), ("image", "\ud800"), ("image", "data:image/png"), ("model_id", [1]), ("model_id", {}),
    ],
)  # fmt: skip
def test_json_of_a_wrong_type_is_named(deployed, api_as, alice, field, value):
    question = {"model_id": deployed.pk, "image": base64.b64encode(picture()).decode(), field: value}
    answer = api_as(alice).generic("POST", ADDRESS, json.dumps(question), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.json()[field]


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "[1]", "null", "7", '"text"', "NaN", '{"conf": NaN}', '{"a": ' * 5000, b"\xff\xfe", "[" * 100_000],
    ids=range(12),
)
def test_json_that_is_no_question_is_refused(deployed, api_as, alice, body):
    answer = api_as(alice).generic("POST", ADDRESS, body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.json()


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "video/mp4"])
def test_another_kind_of_body_is_415_and_says_what_is_taken(deployed, api_as, alice, kind):
    answer = api_as(alice).generic("POST", f"{ADDRESS}?model_id={deployed.pk}", picture(), content_type=kind)
    assert answer.status_code == 415
    assert "base64" in answer.json()["detail"]


@pytest.mark.parametrize(
    "files", [{"image": 2}, {"image": 1, "second": 1}, {"picture": 1}, {"conf": 1, "image": 1}], ids=range(4)
)
def test_files_besides_one_image_are_refused(deployed, api_as, alice, files):
    data = {name: [upload(f"{n}.png") for n in range(count)] for name, count in files.items()}
    answer = api_as(alice).post(ADDRESS, {**data, "model_id": deployed.pk}, format="multipart")
    assert answer.status_code == 400
    assert "image" in answer.json()["image"][0]


def test_models_that_are_wrong_foreign_or_not_deployed_are_refused(deployed, trained_model, api_as, alice, carol):
    for way in WAYS:
        mine, other = api_as(alice), api_as(carol)
        assert send(mine, way, picture(), model_id=2**40).status_code == 404
        assert send(mine, way, picture(), model="no such").status_code == 404
        assert send(other, way, picture(), model_id=deployed.pk).status_code == 404
        assert send(mine, way, picture(), model_id=trained_model.pk).status_code == 409
        assert send(mine, way, picture()).json()["model_id"]


def test_a_form_of_answer_that_there_is_not_is_refused(deployed, api_as, alice):
    refused = api_as(alice).generic("POST", f"{ADDRESS}?format=xml", picture(), content_type="image/png")
    assert (refused.status_code, list(refused.json())) == (400, ["format"])


@pytest.mark.parametrize(
    ("kind", "status"),
    [("none", 401), ("another scope", 403), ("expired", 401), ("revoked", 401), ("garbage", 401), ("two words", 401)],
)
def test_a_token_that_does_not_open_this_is_refused_with_the_reason(deployed, api_as, alice, kind, status):
    for way in WAYS:
        token, key = create_token(alice, "machine", "read write" if kind == "another scope" else "infer")
        if kind == "expired":
            type(token).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        if kind == "revoked":
            revoke_token(token)
        api = api_as()
        header = {"garbage": "Token \xff\xfe", "two words": f"Token {key} {key}"}.get(kind, f"Token {key}")
        if kind != "none":
            api.credentials(HTTP_AUTHORIZATION=header)
        answer = send(api, way, picture(), model_id=deployed.pk)
        assert answer.status_code == status
        assert answer.json()["detail"]


def test_more_bytes_than_an_image_may_have_are_413(deployed, api_as, alice, settings):
    for way in WAYS:
        settings.MAX_IMAGE_BYTES = 50
        answer = send(api_as(alice), way, picture(seed=1), model_id=deployed.pk)
        assert answer.status_code == 413
        assert answer.json()["detail"]


class Unread(io.BytesIO):
    def read(self, *sizes):
        raise AssertionError("the body was read")


def over_wsgi(key, body, length, kind, path=ADDRESS):
    """(status, answer) of a request as the web server hands it over, whatever its Content-Length says."""
    told = []
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path.partition("?")[0], "QUERY_STRING": path.partition("?")[2],
        "SERVER_NAME": "testserver", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
        "wsgi.input": body, "wsgi.errors": io.StringIO(), "CONTENT_TYPE": kind, "CONTENT_LENGTH": length,
        "HTTP_AUTHORIZATION": f"Token {key}", "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    response = get_wsgi_application()(environ, lambda status, headers: told.append(int(status[:3])))
    try:
        return told[0], b"".join(response)
    finally:
        response.close()


@pytest.mark.parametrize("kind", ["image/jpeg", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_cannot_be_an_image_is_refused_unread(deployed, alice, kind):
    _, key = create_token(alice, "machine", "infer")
    status, said = over_wsgi(key, Unread(), str(10**12), kind)
    assert (status, "detail" in json.loads(said)) == (413, True)


@pytest.mark.parametrize("length", ["0", "10", "200", "100000", "", "-5", "many"])
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_content_length_is_refused_and_never_500(deployed, alice, way, length):
    _, key = create_token(alice, "machine", "infer")
    image = picture(100, 100, seed=7)
    body, kind, path = image, "image/png", f"{ADDRESS}?model_id={deployed.pk}"
    if way == "base64":
        body = json.dumps({"image": base64.b64encode(image).decode(), "model_id": deployed.pk}).encode()
        kind, path = "application/json", ADDRESS
    if way == "form":
        part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        body, kind = part + image + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
    status, said = over_wsgi(key, io.BytesIO(body), length, kind, path)
    expected = {200, 400} if length == "100000" else {400}  # the body ends first: what is here may be whole
    assert status in expected, said
    assert json.loads(said)
