import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile

import pytest

from apps.core.archives import MB, ArchiveError, DamagedFileError, Limits, open_archive


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer


def tarred(files, mode="w"):
    """A tar of (name or TarInfo, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def tar_link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


PACKERS = {
    "zip": zipped,
    "stored zip": lambda files: zipped(files, zipfile.ZIP_STORED),
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "w:gz"),
    "tar.bz2": lambda files: tarred(files, "w:bz2"),
}


@pytest.fixture(params=PACKERS)
def pack(request):
    return PACKERS[request.param]


def test_files_are_read_by_name_from_every_kind_of_archive(pack):
    with open_archive(pack([("a/b.txt", b"hello"), ("./c.txt", b"there"), ("ä.txt", b"")])) as archive:
        assert archive.names() == ["a/b.txt", "c.txt", "ä.txt"]
        assert archive.size("a/b.txt") == 5
        with archive.open("c.txt") as first, archive.open("a/b.txt") as second:
            assert (first.read(2), second.read(), first.read()) == (b"th", b"hello", b"ere")


def test_a_path_and_a_folder_serve_as_well(tmp_path):
    (tmp_path / "folder/sub").mkdir(parents=True)
    (tmp_path / "folder/sub/a.txt").write_bytes(b"hello")
    (tmp_path / "a.zip").write_bytes(zipped([("sub/a.txt", b"hello")]).getvalue())
    (tmp_path / "a.tgz").write_bytes(tarred([("sub/a.txt", b"hello")], "w:gz").getvalue())
    for path in (tmp_path / "folder", tmp_path / "a.zip", str(tmp_path / "a.tgz")):
        with open_archive(path, scratch=tmp_path) as archive:
            assert archive.names() == ["sub/a.txt"]
            assert archive.open("sub/a.txt").read() == b"hello"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.txt", "leads out"),
        ("a/../../evil.txt", "leads out"),
        ("..\\evil.txt", "leads out"),
        ("/etc/passwd", "absolute"),
        ("\\\\server\\share", "absolute"),
        ("C:\\evil.txt", "absolute"),
        ("C:evil.txt", "absolute"),
        ("x" * 2000, "characters"),
    ],
)
def test_a_name_that_leads_elsewhere_refuses_the_archive(pack, name, words):
    with pytest.raises(ArchiveError, match=words) as caught:
        open_archive(pack([("good.txt", b""), (name, b"")]))
    assert len(str(caught.value)) < 300


def test_windows_paths_are_normalised():
    with open_archive(zipped([("images\\a.jpg", b"1"), ("images\\", b"")])) as archive:
        assert archive.names() == ["images/a.jpg"]
        assert archive.open("images/a.jpg").read() == b"1"


def test_names_in_utf8_that_do_not_say_so_are_understood():
    data = zipped([("größe.txt", b"")]).getvalue()
    unsaid = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        flags = struct.unpack_from("<H", data, at)[0] & ~0x800
        struct.pack_into("<H", unsaid, at, flags)
    with open_archive(io.BytesIO(bytes(unsaid))) as archive:
        assert archive.names() == ["größe.txt"]


def test_control_characters_in_names_are_replaced():
    with open_archive(tarred([("a\nb\x1b[31m.txt", b"")])) as archive:
        assert archive.names() == ["a_b_[31m.txt"]


@pytest.mark.parametrize(
    "archive",
    [
        zipped([zip_link("a.jpg", "/etc/passwd")]),
        tarred([tar_link("a.jpg", "/etc/passwd")]),
        tarred([tar_link("a.jpg", "b.jpg", tarfile.LNKTYPE)]),
        tarred([tar_link("a.jpg", "", tarfile.FIFOTYPE)]),
        tarred([tar_link("a.jpg", "", tarfile.CHRTYPE)], "w:gz"),
    ],
)
def test_links_and_devices_refuse_the_archive(archive):
    with pytest.raises(ArchiveError, match=r"^a\.jpg is a link"):
        open_archive(archive)


def test_an_encrypted_file_refuses_the_archive():
    data = bytearray(zipped([("a.jpg", b"secret")]).getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        open_archive(io.BytesIO(bytes(data)))


def test_an_unusual_packing_method_refuses_the_archive():
    with pytest.raises(ArchiveError, match="Deflate"):
        open_archive(zipped([("a.jpg", b"x" * 100)], zipfile.ZIP_LZMA))


def test_archives_inside_are_skipped_by_name(pack):
    with open_archive(pack([("a.jpg", b""), ("more/inner.ZIP", b"PK"), ("x.tar.gz", b"")])) as archive:
        assert archive.names() == ["a.jpg"]
        assert [skipped.name for skipped in archive.skipped] == ["more/inner.ZIP", "x.tar.gz"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_files_of_one_name_the_first_is_taken(pack):
    with open_archive(pack([("a.txt", b"first"), ("./a.txt", b"second")])) as archive:
        assert archive.open("a.txt").read() == b"first"
        assert "two files" in archive.skipped[0].reason


def test_a_file_that_is_too_large_is_skipped_by_name(pack):
    with open_archive(pack([("a.txt", b"x" * 101), ("b.txt", b"")]), Limits(max_file_bytes=100)) as archive:
        assert archive.names() == ["b.txt"]
        assert archive.skipped[0].name == "a.txt"


def test_too_many_files_refuse_the_archive(pack):
    with pytest.raises(ArchiveError, match="more than the 3 files"):
        open_archive(pack([(f"{number}.txt", b"") for number in range(4)]), Limits(max_entries=3))


def test_a_directory_of_millions_is_refused_before_it_is_read(monkeypatch):
    archive = zipped([("x" * 900 + str(number), b"") for number in range(200)])
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the directory was read"))
    with pytest.raises(ArchiveError, match="more than the 10 files"):
        open_archive(archive, Limits(max_entries=10))


def test_too_many_bytes_in_all_refuse_the_archive(pack):
    with pytest.raises(ArchiveError, match="unpacks to more"):
        open_archive(pack([("a.txt", b"x" * 600), ("b.txt", b"y" * 600)]), Limits(max_total_bytes=1000))


def read_everything(archive):
    for name in archive.names():
        with archive.open(name) as stream:
            while stream.read(MB):
                pass


def test_a_bomb_stops_while_it_is_read():
    with open_archive(zipped([("a.txt", b"\0" * (40 * MB))])) as archive, archive.open("a.txt") as stream:
        assert len(stream.read(16 * MB)) == 16 * MB
        with pytest.raises(ArchiveError, match=r"a\.txt unpacks to more than 200 times") as caught:
            stream.read(MB)
    assert not isinstance(caught.value, OSError)  # the whole archive is refused, not one file


def test_many_small_bombs_are_one_large_one():
    files = [(f"{number}.txt", b"\0" * MB) for number in range(4)]
    archive = open_archive(zipped(files), Limits(ratio_free_bytes=2 * MB))
    with pytest.raises(ArchiveError, match="The archive unpacks to more than 200 times"):
        read_everything(archive)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2"])
def test_a_compressed_tar_that_is_a_bomb_stops_while_it_is_unpacked(mode):
    bomb = tarred([("a.txt", b"\0" * (20 * MB))], mode)
    with pytest.raises(ArchiveError, match="more than 200 times"):
        open_archive(bomb)


def test_a_file_that_is_longer_than_its_header_says_is_damaged():
    data = bytearray(zipped([("a.txt", b"x" * 5000)]).getvalue())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    with open_archive(io.BytesIO(bytes(data))) as archive, pytest.raises(DamagedFileError):
        read_everything(archive)


def test_reading_a_file_twice_counts_once():
    with open_archive(zipped([("a.txt", b"x" * 900)]), Limits(max_total_bytes=1000)) as archive:
        assert archive.open("a.txt").read() == archive.open("a.txt").read()


def test_a_damaged_file_is_an_os_error_and_the_others_can_be_read():
    data = bytearray(zipped([("a.txt", b"hello" * 9), ("b.txt", b"good")], zipfile.ZIP_STORED).getvalue())
    data[data.index(b"hello")] ^= 0xFF
    with open_archive(io.BytesIO(bytes(data))) as archive:
        with pytest.raises(OSError, match="damaged") as caught, archive.open("a.txt") as stream:
            stream.read()
        assert isinstance(caught.value, DamagedFileError)
        assert archive.open("b.txt").read() == b"good"
        with pytest.raises(DamagedFileError):
            archive.open("c.txt")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"PK\x03\x04",
        zipped([("a.txt", b"hello")]).getvalue()[:-10],
        gzip.compress(b"no tar in here"),
        gzip.compress(b"x" * 5000)[:-20],
        b"BZh9 nothing",
        b"\x1f\x8b",
        b"\0" * 257 + b"ustar" + b"\xff" * 700,
    ],
    ids=range(9),
)
def test_what_is_no_sound_archive_is_refused_in_words(data):
    with pytest.raises(ArchiveError):
        open_archive(io.BytesIO(data))


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(ArchiveError, match="No such file"):
        open_archive(tmp_path / "gone.zip")


def test_a_tar_header_of_many_megabytes_is_refused():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a.txt")
        info.pax_headers = {"comment": "x" * (2 * MB)}
        archive.addfile(info, io.BytesIO())
    with pytest.raises(ArchiveError, match="header"):
        open_archive(buffer)


def test_folders_follow_links_inside_and_skip_links_out(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"hello")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    os.symlink(root / "a.txt", root / "sub/inside.txt")
    os.symlink(tmp_path / "secret.txt", root / "outside.txt")
    os.symlink(tmp_path, root / "up")
    os.mkfifo(root / "pipe")
    with open_archive(root) as archive:
        assert archive.names() == ["a.txt", "sub/inside.txt"]
        assert archive.open("sub/inside.txt").read() == b"hello"
        assert sorted(skipped.name for skipped in archive.skipped) == ["outside.txt", "pipe", "up"]


def test_mangled_archives_raise_nothing_but_archive_errors(pack):
    data = pack([("a/b.txt", b"hello" * 50), ("c.txt", b"there")]).getvalue()
    for at in range(0, len(data), max(1, len(data) // 150)):
        for mangled in (data[:at], data[:at] + b"\xff\x7f\0" + data[at + 3 :]):
            try:
                with open_archive(io.BytesIO(mangled)) as archive:
                    for name in archive.names():
                        archive.open(name).read()
            except ArchiveError:
                continue
