"""Forms that are read in one go: the same as Django reads them, or left to Django."""

import io

import pytest
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from hypothesis import given
from hypothesis import strategies as st
from requests import Request

from apps.inference.parsers import read_plain_form
from conftest import picture

TYPE = "multipart/form-data; boundary=b0"


def part(head, value):
    return b"--b0\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def field(name, value):
    return part(b'Content-Disposition: form-data; name="' + name + b'"', value)


IMAGE = part(b'Content-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg', b"\xff\xd8")
END = b"--b0--\r\n"


def as_django_reads(content_type, body):
    handler = MemoryFileUploadHandler()
    meta = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    texts, files = MultiPartParser(meta, io.BytesIO(body), [handler], "utf-8").parse()
    return texts.dict() | {name: file.read() for name, file in files.items()}


@given(
    model=st.text(max_size=20).filter(lambda text: "--b0" not in text),
    image=st.binary(max_size=300).filter(lambda data: b"--b0" not in data),
    filename=st.text(st.characters(codec="utf-8"), max_size=12),
)
def test_what_is_read_in_one_go_is_what_django_reads(model, image, filename):
    name = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
    head = b'Content-Disposition: form-data; name="image"; filename="' + name + b'"'
    body = field(b"model", model.encode()) + part(head, image) + END
    read = read_plain_form(TYPE, body)
    assert read is None or read == as_django_reads(TYPE, body)


def test_the_forms_of_programs_are_plain():
    data = picture(60, 40)
    for name in ("a.jpg", "Bild 3 (neu).jpg", "übersicht.png"):
        form = Request(
            "POST", "http://x", files={"image": (name, data, "image/png")}, data={"model": "cells"}
        ).prepare()
        read = read_plain_form(form.headers["Content-Type"], form.body)
        if name.isascii():
            assert read == {"model": "cells", "image": data}
        assert as_django_reads(form.headers["Content-Type"], form.body) == {"model": "cells", "image": data}


@pytest.mark.parametrize("way", ["empty", "two files", "another name", "no end", "base64", "before", "bare delimiter"])
def test_what_is_not_plain_is_left_to_django(way):
    other = IMAGE.replace(b'name="image"', b'name="picture"')
    bodies = {
        "empty": b"",
        "two files": IMAGE + IMAGE + END,
        "another name": other + END,
        "no end": IMAGE,
        "base64": IMAGE.replace(b"Content-Type: image/jpeg", b"Content-Transfer-Encoding: base64") + END,
        "before": b"preamble\r\n" + IMAGE + END,
        "bare delimiter": IMAGE.replace(b"\xff\xd8", b"\xff--b0\xd8") + END,
    }
    assert read_plain_form(TYPE, bodies[way]) is None
    assert read_plain_form(TYPE, IMAGE + END) == {"image": b"\xff\xd8"}


def test_a_type_with_more_in_it_is_left_to_django():
    assert read_plain_form("multipart/form-data; boundary=b0; charset=latin-1", IMAGE + END) is None


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/b.jpg", "&#46;"])
def test_names_that_django_cleans_are_left_to_django(name):
    assert read_plain_form(TYPE, IMAGE.replace(b"a.jpg", name.encode()) + END) is None
