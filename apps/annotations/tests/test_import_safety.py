"""Hostile archives: refused by name and reason, and nothing of them is stored."""

import io
import struct
import tarfile
import zipfile
import zlib
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.annotations.services.imports import archive as import_archive
from apps.annotations.services.imports import start_import
from apps.annotations.services.inspection import start_inspection
from apps.core.archives import Limits
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage, PendingDeletion
from conftest import stored_files

from .archives import packed, photo, voc, voc_xml


@pytest.fixture
def both(run_jobs, dataset, alice):
    """`both(data, name)`: the archive inspected and then imported; the import's job."""

    def run(data, name="a.zip"):
        with run_jobs():
            start_inspection(alice, dataset, SimpleUploadedFile(name, data))
            job = start_import(alice, dataset, SimpleUploadedFile(name, data))
        for row in Job.objects.all():
            assert not row.traceback
        job.refresh_from_db()
        return job

    return run


def stored():
    """What lies in the store, uploads and reports aside."""
    return sorted(name for name in stored_files() if not name.startswith("jobs/"))


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarred(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def encrypted():
    """A zip whose first entry says that it is encrypted."""
    data = bytearray(packed(voc()).read())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + place] |= 1
    return bytes(data)


BOMB = {"a.png": bytes(40 * 2**20), "a.xml": voc_xml(("red", 0, 0, 9, 9))}
GOOD = [(member("VOC/a.png"), photo(1)), (member("VOC/a.xml"), voc_xml(("red", 0, 0, 9, 9)).encode())]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: zipped(voc() | {"../../evil.png": photo(1)}), "“../../evil.png” leads out of the archive"),
        (lambda: zipped(voc() | {"a/../../../evil.png": photo(1)}), "leads out of the archive"),
        (lambda: zipped(voc() | {"..\\..\\evil.png": photo(1)}), "leads out of the archive"),
        (lambda: zipped(voc() | {"/etc/evil.png": photo(1)}), "is an absolute name"),
        (lambda: zipped(voc() | {"C:\\evil.png": photo(1)}), "is an absolute name"),
        (lambda: zipped(voc() | {zip_link("link.png"): "/etc/passwd"}), "link.png is a link or a device"),
        (lambda: tarred(*GOOD, (member("link.png", tarfile.SYMTYPE, "/etc/passwd"), b"")), "link.png is a link"),
        (lambda: tarred(*GOOD, (member("hard.png", tarfile.LNKTYPE, "VOC/a.png"), b"")), "hard.png is a link"),
        (lambda: tarred(*GOOD, (member("dev.png", tarfile.CHRTYPE), b"")), "dev.png is a link, a device"),
        (encrypted, "is encrypted"),
        (lambda: zipped(BOMB), "a zip bomb?"),
    ],
)
def test_hostile_archive_is_refused_by_name_and_nothing_of_it_is_stored(both, dataset, data, words):
    job = both(data())
    assert job.status == "failed"
    assert words.replace("“", "").replace("”", "") in job.error_message
    assert (stored(), DatasetImage.all_objects.count(), PendingDeletion.objects.count()) == ([], 0, 0)


def test_too_many_files_or_bytes_refuse_the_archive(both, monkeypatch, settings):
    settings.MAX_ARCHIVE_BYTES = 1000  # four times as much may come out of it
    assert "unpacks to more than" in both(zipped({f"{n}.png": photo(n) for n in range(40)})).error_message
    monkeypatch.setattr(import_archive, "Limits", partial(Limits, max_entries=5))
    assert "more than the 5 files allowed" in both(zipped({f"{n}.txt": "x" for n in range(6)})).error_message
    assert stored() == []


def test_bomb_that_shows_only_on_the_way_takes_back_what_was_in_by_then(both, dataset, monkeypatch):
    monkeypatch.setattr("apps.annotations.services.imports.batches.BATCH", 1)
    job = both(zipped(voc() | {"z.png": bytes(40 * 2**20)}))
    assert (job.status, "zip bomb" in job.error_message) == ("failed", True)
    datasets.delete_pending_files()
    assert (stored(), DatasetImage.all_objects.count()) == ([], 0)
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.num_boxes) == (0, 0)


def test_new_dataset_of_a_refused_archive_goes_too(run_jobs, alice):
    with run_jobs():
        dataset = datasets.create_dataset(alice, "New")
        start_import(alice, dataset, SimpleUploadedFile("a.zip", zipped({"../x.png": b""})), new=True)
    job = Job.objects.get()
    assert (job.status, job.traceback, "leads out" in job.error_message) == ("failed", "", True)
    assert Dataset.objects.count() == 0


def huge_png(width=50_000, height=50_000):
    """A PNG of a few bytes whose header claims `width` × `height`."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def huge_jpeg(width=50_000, height=50_000):
    """A JPEG's head that claims `width` × `height`."""
    frame = struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("huge.png", huge_png(), "megapixels"),
        ("huge.jpg", huge_jpeg(), "megapixels"),
        ("long.png", huge_png(2_000_000, 60), "megapixels"),
        ("page.jpg", b"<html><script>alert(1)</script></html>", "Not an image"),
        ("drawing.png", SVG, "Not an image"),
        ("cut.png", photo(5)[:-40], "Broken"),
        ("empty.jpg", b"", "empty"),
        ("gif.jpg", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "Not an image"),
        ("ps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "Not an image"),
    ],
)
def test_file_that_is_no_picture_is_refused_by_name_and_the_rest_goes_in(both, dataset, name, content, words):
    job = both(zipped(voc() | {f"VOC/JPEGImages/{name}": content}))
    assert (job.status, job.result["images"]) == ("completed", 3)
    (problem,) = job.result["problems"]
    assert (problem["file"], problem["effect"]) == (f"VOC/JPEGImages/{name}", "left out")
    assert words in problem["reason"]
    rows = DatasetImage.objects.all()
    assert len(stored()) == 2 * len(rows) == 6


@pytest.mark.parametrize("name", ["inner.zip", "VOC/inner.tar.gz", "inner.7z", "inner.rar"])
def test_archive_inside_the_archive_is_named_and_not_opened(both, dataset, name):
    job = both(zipped(voc() | {name: zipped({"evil.png": photo(9)})}))
    assert job.result["images"] == 3
    ((file, kind),) = [(problem["file"], problem["kind"]) for problem in job.result["problems"]]
    assert (file, kind) == (name, "skipped_file")
    assert not DatasetImage.objects.filter(filename="evil.png").exists()
