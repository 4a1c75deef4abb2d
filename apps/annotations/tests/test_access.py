"""Who may call what: one table for every page and every call of this app."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from conftest import box

READ, CHANGE = "read", "change"
API = "/api/v1/datasets/{dataset}"
IMAGE = f"{API}/images/{{image}}"
PAGE = "/datasets/{dataset}"


def archive():
    return {"file": SimpleUploadedFile("a.zip", b"PK"), "format": "auto"}


CALLS = [
    (READ, "get", f"{IMAGE}/annotations", None),
    (CHANGE, "put", f"{IMAGE}/annotations", {"revision": 1, "annotations": []}),
    (CHANGE, "post", f"{IMAGE}/annotations", box()),
    (CHANGE, "patch", f"{API}/annotations/{{label}}", {"class_id": 1}),
    (CHANGE, "delete", f"{API}/annotations/{{label}}", None),
    (READ, "get", f"{IMAGE}/revisions", None),
    (READ, "get", f"{IMAGE}/revisions/1", None),
    (CHANGE, "post", f"{IMAGE}/revisions/1/restore", {"revision": 1}),
    (READ, "get", f"{API}/classes", None),
    (CHANGE, "post", f"{API}/classes", {"name": "blue"}),
    (CHANGE, "patch", f"{API}/classes/0", {"name": "rouge"}),
    (CHANGE, "put", f"{API}/classes/order", {"keys": [1, 0]}),
    (CHANGE, "delete", f"{API}/classes/0?into=1", None),
    (READ, "get", f"{API}/classes/history", None),
    (READ, "get", f"{API}/workspace/position", None),
    (READ, "get", f"{API}/workspace/window", None),
    (READ, "get", f"{API}/versions", None),
    (READ, "get", f"{API}/versions/1", None),
    (CHANGE, "post", f"{API}/versions", None),
    (READ, "post", f"{API}/export", {}),
    (READ, "get", f"{API}/statistics", None),
    (READ, "post", f"{API}/validate", {}),
    (CHANGE, "post", f"{API}/import", archive),
    (READ, "post", f"{API}/presence", {}),
    (READ, "get", f"{IMAGE}/review", None),
    (CHANGE, "post", f"{IMAGE}/review", {"action": "accept", "revision": 1}),
    (READ, "get", f"{IMAGE}/suggestions", None),
    (CHANGE, "delete", f"{IMAGE}/suggestions", {}),
    (READ, "get", f"{API}/crops?class_id=0", None),
    (READ, "get", f"{API}/annotations/{{label}}/crop", None),
    (CHANGE, "post", f"{API}/annotations/bulk", {"ids": [1], "action": "delete"}),
    (CHANGE, "post", f"{API}/annotations/undo", {"changes": []}),
]
PAGES = [
    (READ, "get", f"{PAGE}/label", None),
    (READ, "get", f"{PAGE}/gallery-boxes?ids={{image}}", None),
    (READ, "get", f"{PAGE}/classes", None),
    (CHANGE, "post", f"{PAGE}/classes", {"name": "blue"}),
    (CHANGE, "post", f"{PAGE}/classes/0/edit", {"name": "rouge"}),
    (CHANGE, "post", f"{PAGE}/classes/order", {"move": 0, "way": "down"}),
    (CHANGE, "get", f"{PAGE}/classes/0/remove", None),
    (CHANGE, "post", f"{PAGE}/classes/0/remove", {"action": "delete"}),
    (READ, "get", f"{PAGE}/transfer", None),
    (CHANGE, "post", f"{PAGE}/import", archive),
    (READ, "post", f"{PAGE}/export", {"format": "yolo"}),
    (READ, "post", f"{PAGE}/validate", {}),
    (READ, "get", f"{PAGE}/crops", None),
    (READ, "get", f"{PAGE}/labelling-progress", None),
    (READ, "get", f"{PAGE}/versions", None),
    (CHANGE, "post", f"{PAGE}/versions", None),
]
NAMES = {id(call): f"{call[1]} {call[2]}" for call in CALLS + PAGES}


@pytest.fixture
def address(ready_dataset, alice):
    create_version(ready_dataset, alice)
    image = ready_dataset.images.first()
    ids = {"dataset": ready_dataset.pk, "image": image.pk, "label": image.annotations.get().pk}
    return lambda path: path.format(**ids)


def undone(answer, *asked):
    """`answer(*asked)`, and nothing of what it did: setting up a dataset costs more than asking."""
    with transaction.atomic():
        answered = answer(*asked)
        transaction.set_rollback(True)
    return answered


def ask(client, method, url, data):
    options = {"format": "multipart"} if data is archive and hasattr(client, "force_authenticate") else {}
    data = data() if data is archive else data
    return getattr(client, method)(url, data, **options) if data is not None else getattr(client, method)(url)


@pytest.mark.parametrize(("kind", "method", "path", "data"), CALLS, ids=[NAMES[id(call)] for call in CALLS])
def test_who_may_call(api_as, address, ready_dataset, alice, bob, carol, operator, kind, method, path, data):
    url = address(path)

    def answer(user):
        return ask(api_as(user), method, url, data).status_code

    assert (answer(None), answer(carol), answer(bob)) == (401, 404, 404)
    datasets.update_dataset(ready_dataset, is_public=True)
    assert answer(None) == 401
    assert answer(bob) in ((200, 202) if kind == READ else (403,))
    datasets.update_dataset(ready_dataset, is_public=False)
    assert undone(answer, operator) in (200, 201, 202, 204)
    assert answer(alice) in (200, 201, 202, 204)


@pytest.mark.parametrize(("kind", "method", "path", "data"), PAGES, ids=[NAMES[id(call)] for call in PAGES])
def test_who_may_open_a_page(page_as, address, ready_dataset, alice, bob, carol, operator, kind, method, path, data):
    url = address(path)

    def answer(user):
        return ask(page_as(user), method, url, data)

    nobody = answer(None)
    assert (nobody.status_code, nobody["Location"].split("?")[0]) == (302, "/account/sign-in")
    assert (answer(carol).status_code, answer(bob).status_code) == (404, 404)
    datasets.update_dataset(ready_dataset, is_public=True)
    done = 200 if method == "get" else 302
    assert answer(bob).status_code == (done if kind == READ else 403)
    datasets.update_dataset(ready_dataset, is_public=False)
    assert answer(operator).status_code == done
    if data != {"name": "blue"}:  # it is there by now
        assert answer(alice).status_code == done


def test_new_dataset_from_an_archive_needs_a_person(api_as, page_as, alice):
    assert api_as().post("/api/v1/datasets/import", {"name": "x", **archive()}, format="multipart").status_code == 401
    assert page_as().get("/datasets/import").status_code == 302
    assert page_as(alice).get("/datasets/import").status_code == 200


@pytest.mark.parametrize("path", [f"{PAGE}/import", f"{PAGE}/export", f"{PAGE}/classes/0/edit"])
def test_what_changes_is_never_done_by_a_get(page_as, address, alice, path):
    assert page_as(alice).get(address(path)).status_code == 405


WRITES = [call for call in CALLS if call[1] != "get"]
NO_BODIES = ("[[]]", '"\\u0000"', "7", "null", '{"name": {"a": []}, "revision": {}, "format": 1e999}')


@pytest.mark.parametrize("call", WRITES, ids=[NAMES[id(call)] for call in WRITES])
def test_no_body_is_answered_500(api_as, address, alice, call):
    _, method, path, _ = call
    send = getattr(api_as(alice), method)
    for body in NO_BODIES:
        answer = undone(lambda body=body: send(address(path), body, content_type="application/json"))
        assert answer.status_code < 500, body
