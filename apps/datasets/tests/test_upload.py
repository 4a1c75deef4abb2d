"""Images come in: what is good goes in, what is there is named, what is bad is refused with its reason."""

import pytest
from django.core.files.storage import default_storage

from apps.datasets import services
from apps.datasets.services.images import clean_filename
from conftest import picture, upload


@pytest.fixture
def post(dataset, api_as):
    """`post(files)`: alice uploads to her dataset."""

    def send(files):
        return api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/images", {"files": files}, format="multipart")

    return send


def test_good_known_and_bad_files_in_one_call_each_get_their_own_answer(dataset, post):
    services.add_images(dataset, [upload("first.png", seed=1)])
    known = dataset.images.get()
    response = post(
        [
            upload("bad.jpg", b"<html>"), upload("again.png", seed=1), upload("new.png", seed=2),
            upload("empty.png", b""), upload("twice.png", seed=2),
        ]
    )  # fmt: skip
    found = response.json()
    assert response.status_code == 201
    assert [image["filename"] for image in found["created"]] == ["new.png"]
    new = found["created"][0]["id"]
    assert found["duplicates"] == [
        {"filename": "again.png", "image_id": known.pk}, {"filename": "twice.png", "image_id": new},
    ]  # fmt: skip
    assert [bad["filename"] for bad in found["rejected"]] == ["bad.jpg", "empty.png"]
    assert "JPEG, PNG, WebP, BMP, TIFF" in found["rejected"][0]["reason"]
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.images.count()) == (2, 2)


def test_created_image_has_the_documented_fields(post):
    image = post([upload("a.png", width=64, height=48)]).json()["created"][0]
    assert {
        "id", "filename", "width", "height", "is_labeled", "split", "revision", "url", "thumbnail_url", "created_at",
    } <= set(image)  # fmt: skip
    assert (image["width"], image["height"], image["is_labeled"], image["split"]) == (64, 48, False, "")


def test_stored_bytes_are_those_that_came(dataset, post):
    data = picture(seed=5)
    post([upload("a.png", data)])
    assert dataset.images.get().file.read() == data


def test_same_bytes_in_two_datasets_are_two_images(dataset, alice):
    other = services.create_dataset(alice, "Other")
    for place in (dataset, other):
        assert len(services.add_images(place, [upload(seed=1)])["created"]) == 1
    services.delete_dataset(other)
    assert default_storage.exists(dataset.images.get().file.name)


def test_file_over_the_limit_is_refused_and_the_others_go_in(post, settings):
    settings.MAX_IMAGE_BYTES = 2**20
    found = post([upload("big.png", picture() + bytes(2**20)), upload("small.png")]).json()
    assert [bad["filename"] for bad in found["rejected"]] == ["big.png"]
    assert "1 MB" in found["rejected"][0]["reason"]
    assert len(found["created"]) == 1


def test_picture_over_the_limit_of_pixels_is_refused(post, settings):
    settings.MAX_IMAGE_PIXELS = 1_000_000
    rejected = post([upload("wide.png", width=2000, height=600)]).json()["rejected"]
    assert "2000 × 600" in rejected[0]["reason"]


def test_more_files_than_the_limit_answer_413_in_words(post, settings, dataset):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
    response = post([upload(f"{n}.png", seed=n) for n in range(4)])
    assert response.status_code == 413
    assert "3 files" in response.json()["detail"]
    assert not dataset.images.exists()


def test_call_without_files_names_the_field(post):
    response = post([])
    assert (response.status_code, list(response.json())) == (400, ["files"])


def test_fields_that_are_no_files_are_no_files(dataset, api_as):
    path = f"/api/v1/datasets/{dataset.pk}/images"
    response = api_as(dataset.owner).post(path, {"files": "text", "other": upload()}, format="multipart")
    assert (response.status_code, list(response.json())) == (400, ["files"])


def test_json_is_no_upload(dataset, api_as):
    assert api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/images", {"files": []}).status_code == 415


def test_multipart_that_breaks_off_answers_400(dataset, api_as):
    path, kind = f"/api/v1/datasets/{dataset.pk}/images", "multipart/form-data"
    for content_type in (kind, f"{kind}; boundary=x"):
        response = api_as(dataset.owner).generic("POST", path, b"--x\r\nContent-", content_type=content_type)
        assert response.status_code == 400


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("cell.png", "cell.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cell.png", "cell.png"),
        ("a\x00b\r\nc\x7f\u202e.png", "abc.png"),
        ("Zähler 二.png", "Zähler 二.png"),
        ("", "image"), ("/", "image"), ("..", "image"), (".", "image"), ("\n", "image"), ("x/..", "image"),
        ("n" * 300 + ".jpeg", "n" * 250 + ".jpeg"),
        ("n" * 300, "n" * 255),
        ("<b>.png", "<b>.png"),
    ],
)  # fmt: skip
def test_file_names_are_cleaned(name, clean):
    assert clean_filename(name) == clean


@pytest.mark.parametrize("length", [100, 255, 256, 1000])
@pytest.mark.parametrize("suffix", ["", ".png", "." + "x" * 300])
def test_file_name_never_outgrows_its_column(length, suffix):
    assert 0 < len(clean_filename("n" * length + suffix)) <= 255


def test_hostile_names_go_in_cleaned(dataset, post):
    found = post([upload("x" * 400 + ".png", seed=1), upload("a\rb\x01c.png", seed=2)]).json()
    assert not found["rejected"]
    for image in dataset.images.all():
        assert len(image.filename) <= 255
        assert image.filename.isprintable()
        assert image.file.name == f"datasets/{dataset.pk}/images/{image.sha256}.png"


def test_tiff_gets_a_preview_that_browsers_show(dataset, post, page_as):
    image = post([upload("a.tif", format="TIFF")]).json()["created"][0]
    response = page_as(dataset.owner).get(image["url"])
    assert response["Content-Type"] == "image/png"
    assert b"".join(response.streaming_content)[1:4] == b"PNG"
