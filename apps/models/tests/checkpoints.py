"""Files as torch.save lays them out, made byte by byte: honest ones, and ones that were tampered with."""

import io
import pickle
import struct
import zlib

ROOT = "model"
EXTRA = {"byteorder": b"little", "version": b"3\n", ".data/serialization_id": b"1" * 40}


def archive(pickled, storages=None, members=None, root=ROOT, names=None):
    """The bytes of a `.pt`; `storages` {key: bytes}, `members` {name: bytes} more, `names` replaces names."""
    parts = {"data.pkl": pickled, **EXTRA, **{f"data/{key}": data for key, data in (storages or {}).items()}}
    parts |= members or {}
    out, entries = io.BytesIO(), []
    for local, data in parts.items():
        name = (names or {}).get(local, f"{root}/{local}").encode()
        crc, place = zlib.crc32(data), out.tell()
        out.write(struct.pack("<4s5H3L2H", b"PK\3\4", 0, 0x808, 0, 0, 0, 0, 0, 0, len(name), 0) + name + data)
        out.write(struct.pack("<4s3L", b"PK\7\10", crc, len(data), len(data)))
        entries.append(entry(name, crc, len(data), place))
    return finish(out, entries)


def entry(name, crc, size, place, method=0, packed=None):
    packed = size if packed is None else packed
    return struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 0, 0, 0x808, method, 0, 0, crc, packed, size, len(name), 0, 0, 0, 0, 0, place
    ) + name  # fmt: skip


def finish(out, entries):
    place, length = out.tell(), sum(map(len, entries))
    out.write(b"".join(entries))
    count = len(entries)
    out.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 0x31E, 45, 0, 0, count, count, length, place))
    out.write(struct.pack("<4sLQL", b"PK\6\7", 0, place + length, 1))
    out.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, place, 0))
    return out.getvalue()


def pickled(*opcodes, protocol=2):
    """A pickle of `{"model": …}`, whose value the opcodes give."""
    return pickle.PROTO + bytes([protocol]) + b"}" + text("model") + b"".join(opcodes) + b"s."


def text(word):
    raw = word.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(module, attribute, *arguments):
    return name(module, attribute) + b"(" + b"".join(arguments) + b"tR"


def tensor(numel=4, key="0", shape=None, stride=None, device="cpu", storage="FloatStorage"):
    """A tensor that torch._utils._rebuild_tensor_v2 makes."""
    numbers = [b"(" + b"".join(b"K" + bytes([n]) for n in row) + b"t" for row in (shape or [numel], stride or [1])]
    persistent = (
        b"(" + text("storage") + name("torch", storage) + text(key) + text(device) + b"K" + bytes([numel]) + b"tQ"
    )
    hooks = name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + persistent
        + b"K\0"
        + b"".join(numbers)
        + b"\x89"
        + hooks
        + b"tR"
    )


def with_tensor(more=b"", **options):
    """An honest checkpoint of one tensor, before which `more` was put on the stack and taken off it again."""
    return archive(pickled(tensor(**options)), {"0": bytes(16)})
