"""Weights that want to be more than weights: every one is refused, by name, and none is ever unpickled."""

import io
import os
import pickle
import struct
import tarfile
import zipfile
import zlib

import pytest

from apps.models.engine.refusals import Refused
from apps.models.engine.torch_pickle import check_pickle
from apps.models.engine.torch_zip import read_checkpoint

from .checkpoints import ROOT, archive, call, entry, finish, name, pickled, tensor, text, with_tensor


def judge(folder, data):
    """The names in a file, or the Refused that it gets."""
    path = folder / "weights.pt"
    path.write_bytes(data)
    checkpoint = read_checkpoint(path)
    return check_pickle(checkpoint.pickle, checkpoint.storages)


def refusal(folder, data):
    with pytest.raises(Refused) as caught:
        judge(folder, data)
    return caught.value


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/pwned",)


LAYER = name("torch.nn.modules.conv", "Conv2d") + b")\x81"
SYSTEM = call("posix", "system", text("touch /tmp/pwned"))
ONE_ITEM = b"}" + text("weight") + b"K\1s"
PICKLES = {
    "os.system by torch's own protocol": (pickle.dumps({"model": Evil()}, protocol=2), "posix.system"),
    "os.system": (pickled(SYSTEM), "posix.system"),
    "nt.system": (pickled(call("nt", "system", text("x"))), "nt.system"),
    "subprocess": (pickled(call("subprocess", "Popen", text("x"))), "subprocess.Popen"),
    "eval": (pickled(call("builtins", "eval", text("1"))), "builtins.eval"),
    "eval of Python 2": (pickled(call("__builtin__", "eval", text("1"))), "__builtin__.eval"),
    "exec": (pickled(call("builtins", "exec", text("1"))), "builtins.exec"),
    "import": (pickled(call("importlib", "import_module", text("os"))), "importlib.import_module"),
    "getattr of what is allowed": (
        pickled(call("builtins", "getattr", name("torch.nn.modules.conv", "Conv2d"), text("__init__"))),
        "builtins.getattr",
    ),
    "a dotted name": (pickled(name("torch", "nn.modules.conv.os.system")), "torch.nn.modules.conv.os.system"),
    "a name of an allowed module": (pickled(name("ultralytics.nn.tasks", "os")), "ultralytics.nn.tasks.os"),
    "a loader of other pickles": (pickled(call("torch", "load", text("x.pt"))), "torch.load"),
    "a nested pickle": (pickled(call("pickle", "loads", text("x"))), "pickle.loads"),
    "a nested pickle of torch": (
        pickled(call("torch.storage", "_load_from_bytes", text("x"))), "torch.storage._load_from_bytes",
    ),
    "runpy": (pickled(call("runpy", "_run_code", text("x"))), "runpy._run_code"),
    "numpy's own loader": (pickled(call("numpy", "load", text("x"))), "numpy.load"),
    "webbrowser": (pickled(call("webbrowser", "open", text("http://x"))), "webbrowser.open"),
    "names with a newline": (pickled(b"cos \nsystem\n"), "os. system"),
    "names of other letters": (pickled("cоs\nsystem\n".encode()), ""),
    "STACK_GLOBAL": (pickled(text("os") + text("system") + b"\x93"), "STACK_GLOBAL"),
    "STACK_GLOBAL of protocol 4": (pickle.dumps({"model": Evil()}, protocol=4), "PROTO 4"),
    "INST": (pickled(b"(" + text("x") + b"ios\nsystem\n"), "INST"),
    "OBJ": (pickled(b"(" + name("collections", "OrderedDict") + b"o"), "OBJ"),
    "an extension code": (pickled(b"\x82\x01"), "EXT1"),
    "an extension code of 4 bytes": (pickled(b"\x84\x01\0\0\0"), "EXT4"),
    "NEWOBJ_EX": (pickled(LAYER[:-2] + b")}\x92"), "NEWOBJ_EX"),
    "a persistent id as text": (pickled(b"Pstorage\n"), "PERSID"),
    "a persistent id of another form": (pickled(b"(" + text("module") + text("os") + b"tQ"), "BINPERSID"),
    "protocol 0": (pickle.dumps({"model": Evil()}, protocol=0), "MARK"),
    "another protocol later on": (pickled(b"\x80\x05N"), "PROTO"),
    "DUP": (pickled(b"N20"), "DUP"),
    "POP that hides a call": (pickled(SYSTEM + b"0N"), "posix.system"),
    "a call that is hidden behind a mark": (pickled(b"(" + SYSTEM + b"1N"), "posix.system"),
    "a memo that is read before it is written": (pickled(b"h\x05"), "GET 5"),
    "a memo that is overwritten": (pickled(b"Nq\0" + b"Nq\0" + b"0"), "PUT 0"),
    "a memo of four thousand million places": (pickled(b"Nr\xff\xff\xff\xff"), "PUT 4294967295"),
    "a layer with arguments": (pickled(LAYER[:-2] + b"K\1\x85\x81"), "torch.nn.modules.conv.Conv2d"),
    "a layer that is called": (pickled(LAYER[:-2] + b")R"), "torch.nn.modules.conv.Conv2d"),
    "a layer that is called as a function": (pickled(LAYER + b")R"), "torch.nn.modules.conv.Conv2d"),
    "attributes of a class": (pickled(LAYER[:-2] + ONE_ITEM + b"b"), "torch.nn.modules.conv.Conv2d"),
    "attributes by a tuple of slots": (pickled(LAYER + b"N" + ONE_ITEM + b"\x86b"), "torch.nn.modules.conv.Conv2d"),
    "__class__": (pickled(LAYER + b"}" + text("__class__") + b"K\1sb"), "__class__"),
    "__dict__": (pickled(LAYER + b"}" + text("__dict__") + b"K\1sb"), "__dict__"),
    "a key that is no text": (pickled(LAYER + b"}K\1K\1sb"), "('int', 1)"),
    "items put into a layer": (pickled(LAYER + text("k") + b"K\1s"), ""),
    "a function as an attribute": (
        pickled(LAYER + b"}" + text("forward") + name("torch._utils", "_rebuild_parameter") + b"sb"),
        "torch._utils._rebuild_parameter",
    ),
    "a function inside a tuple": (
        pickled(b"]" + name("torch", "device") + b"\x85\x85a"), "tuple",
    ),
    "a tensor of another size than its storage": (pickled(tensor(numel=5)), "data/0"),
    "a tensor that reaches beyond its storage": (
        pickled(tensor(shape=[9], stride=[200])), "torch._utils._rebuild_tensor_v2",
    ),
    "a storage that is not there": (pickled(tensor(key="7")), "data/7"),
    "a storage by a path": (pickled(tensor(key="../../etc/passwd")), "data/../../etc/passwd"),
    "a number of a million digits": (pickled(b"\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6), "LONG4"),
    "a text longer than the pickle": (b"\x80\x02X\xff\xff\xff\x7fx", ""),
    "bytes after the end": (pickled(b"N") + b"cos\nsystem\n.", ""),
    "a second pickle after the end": (pickled(b"N") + pickled(SYSTEM), ""),
    "nothing": (b"", ""),
    "no end": (pickled(b"N")[:-1], ""),
    "no dictionary": (b"\x80\x02N.", ""),
    "an empty stack": (b"\x80\x020.", "POP"),
    "a mark that is never closed": (b"\x80\x02(}.", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", PICKLES)
def test_pickle_is_refused_with_what_gave_offence(tmp_path, what):
    data, offence = PICKLES[what]
    refused = refusal(tmp_path, archive(data, {"0": bytes(16)}))
    assert refused.name == offence
    assert len(str(refused)) > 20
    assert not os.path.exists("/tmp/pwned")


def test_honest_pickle_passes(tmp_path):
    assert judge(tmp_path, with_tensor())["torch._utils._rebuild_tensor_v2"] == 1
    assert judge(tmp_path, archive(pickled(LAYER + ONE_ITEM + b"b")))["torch.nn.modules.conv.Conv2d"] == 1


def test_hooks_cannot_be_added_to_a_tensor_later(tmp_path):
    hooks = name("collections", "OrderedDict") + b")Rq\0"
    later = tensor().replace(hooks[:-2], hooks) + b"0h\0K\1K\1s"
    assert refusal(tmp_path, archive(pickled(later), {"0": bytes(16)})).name == "POP"
    later = b"(" + tensor().replace(hooks[:-2], hooks) + b"h\0K\1K\1st"
    assert "hooks" in str(refusal(tmp_path, archive(pickled(later), {"0": bytes(16)})))


def test_storage_that_no_tensor_takes_is_refused(tmp_path):
    data = archive(pickled(tensor()), {"0": bytes(16), "1": SYSTEM})
    assert refusal(tmp_path, data).name == "data/1"


GOOD = with_tensor()
EVIL = archive(pickled(SYSTEM))


def compressed():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"{ROOT}/data.pkl", bytes(2**24))
    return out.getvalue()


def twice():
    """The same name twice: a reader may take the first or the last."""
    out, entries, label = io.BytesIO(), [], f"{ROOT}/data.pkl".encode()
    for data in (pickled(b"N"), pickled(SYSTEM)):
        place, crc = out.tell(), zlib.crc32(data)
        head = struct.pack("<4s5H3L2H", b"PK\3\4", 0, 0x808, 0, 0, 0, 0, 0, 0, len(label), 0)
        out.write(head + label + data + struct.pack("<4s3L", b"PK\7\10", crc, len(data), len(data)))
        entries.append(entry(label, crc, len(data), place))
    return finish(out, entries)


def overlapping():
    """Two members over the same bytes, as in a zip bomb."""
    out, label, data = io.BytesIO(), f"{ROOT}/data.pkl".encode(), pickled(b"N")
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 0, 0x808, 0, 0, 0, 0, 0, 0, len(label), 0)
    out.write(head + label + data + struct.pack("<4s3L", b"PK\7\10", zlib.crc32(data), len(data), len(data)))
    other = f"{ROOT}/version".encode()
    return finish(out, [entry(n, zlib.crc32(data), len(data), 0) for n in (label, other)])


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for part in ("pickle", "storages", "tensors"):
            made.addfile(tarfile.TarInfo(part), io.BytesIO())
    return out.getvalue()


FILES = {
    "a bare pickle": (pickle.dumps(Evil(), protocol=2), "bare pickle"),
    "a bare pickle as text": (pickle.dumps(Evil(), protocol=0), "bare pickle"),
    "torch's legacy tar": (tarred(), "begin"),
    "an empty file": (b"", "begin"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(200), "begin"),
    "a pickle before the zip": (pickle.dumps(Evil(), protocol=2) + GOOD, "bare pickle"),
    "a zip after the zip": (GOOD + EVIL, "does not lie"),
    "a zip before the zip": (EVIL + GOOD, "does not lie"),
    "bytes after the zip": (GOOD + b"cos\nsystem\n", "end with its directory"),
    "a comment that hides a zip": (GOOD[:-2] + struct.pack("<H", len(EVIL)) + EVIL, "say"),
    "half a file": (GOOD[: len(GOOD) // 2], "end with its directory"),
    "bytes before the directory": (GOOD.replace(b"PK\1\2", b"....PK\1\2", 1), ""),
    "a compressed bomb": (compressed(), ""),
    "one name twice": (twice(), "twice"),
    "members that overlap": (overlapping(), "does not lie"),
    "a nested zip": (archive(pickled(b"N"), members={"inner.zip": EVIL}), "does not belong"),
    "a second pickle": (archive(pickled(b"N"), members={"constants.pkl": pickled(SYSTEM)}), "does not belong"),
    "code of TorchScript": (archive(pickled(b"N"), members={"code/__torch__.py": b"import os"}), "does not belong"),
    "a pickle named as a storage": (archive(pickled(b"N"), members={"data/../data.pkl": SYSTEM}), "name"),
    "a way out": (archive(pickled(b"N"), names={"version": "../../version"}), "name"),
    "an absolute path": (archive(pickled(b"N"), names={"version": "/etc/version"}), "name"),
    "two roots": (archive(pickled(b"N"), names={"version": "other/version"}), "does not belong"),
    "no pickle": (archive(pickled(b"N"), names={"data.pkl": f"{ROOT}/version2"}), "does not belong"),
    "another byte order": (archive(pickled(b"N"), members={"byteorder": b"big"}), "byte order"),
    "changed bytes": (GOOD.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v3"), "checksum"),
    "a header that says another name": (GOOD.replace(b"model/version", b"model/Version", 1), "something else"),
}


@pytest.mark.parametrize("what", FILES)
def test_file_is_refused_in_words(tmp_path, what):
    data, words = FILES[what]
    assert words in str(refusal(tmp_path, data))
    assert not os.path.exists("/tmp/pwned")


def test_every_byte_of_a_small_file_may_be_changed_and_nothing_but_a_refusal_or_the_same_names_comes(tmp_path):
    expected = judge(tmp_path, GOOD)
    for place in range(len(GOOD)):
        changed = bytearray(GOOD)
        changed[place] ^= 0x15
        try:
            assert judge(tmp_path, bytes(changed)) == expected
        except Refused:
            continue
