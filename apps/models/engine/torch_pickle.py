"""Whether the pickle of a checkpoint does nothing but put a model's parts together; it is read, never run.

The opcodes are followed as Python's unpickler would follow them, with a note of what each value is in place of the
value. Every name must be on the list of `torch_names`, and what is done with it must be what torch.save has done: a
layer is made without arguments and given its attributes, a tensor is rebuilt from a storage that is in the file. What
is not understood is refused: another protocol, another opcode, a memo that is not filled in order, a function that is
stored instead of called, bytes after the end.
"""

from __future__ import annotations

import math
import pickletools
import re
from typing import Any, NamedTuple

from .refusals import Refused
from .torch_names import STORAGES, kinds

MOST_OPCODES = 5_000_000
MOST_TEXT = 100_000  # characters of one string
PATH_PART = re.compile(r"[^\x00]{0,500}")
DTYPE = re.compile(r"[fiub][1248]")
DEVICE = re.compile(r"(cpu|cuda|mps)(:[0-9]{1,3})?")
FROZEN = ("frozen", None)  # a key of a dictionary that must stay as it is
PLAIN = ("none", "bool", "int", "float", "text")


class Value(NamedTuple):
    """What is known of a value: its kind; of plain ones and tuples also what it is, of a dict its keys, of a name or
    a layer the name. `is_tool` says that it is, or a tuple of it has, what is there to be used and not to be kept.
    """

    kind: str
    what: Any = None
    is_tool: bool = False


MARK = Value("mark")


def check_pickle(data: bytes, storages: dict[str, int]) -> dict[str, int]:
    """How often each name is looked up; `storages` has the bytes of each that is in the file. Raises Refused."""
    return Reader(storages).read(data)


class Reader:
    """Python's unpickler, with notes in place of values."""

    def __init__(self, storages: dict[str, int]):
        self.storages = storages
        self.kinds = kinds()
        self.stack: list[Value] = []
        self.memo: list[Value] = []
        self.names: dict[str, int] = {}
        self.used: set[str] = set()

    def read(self, data: bytes) -> dict[str, int]:
        at, count = 0, 0
        try:
            for opcode, argument, at in pickletools.genops(data):
                count += 1
                if count > MOST_OPCODES:
                    raise Refused(f"The pickle has more than {MOST_OPCODES} opcodes.")
                if (opcode.name == "PROTO") != (count == 1):
                    raise Refused("The pickle does not begin with its protocol, as torch.save writes it.", opcode.name)
                step = getattr(self, f"on_{opcode.name.lower()}", None)
                if step is None:
                    raise Refused(f"{opcode.name} at byte {at}: torch.save never writes this opcode.", opcode.name)
                step(argument)
        except (IndexError, ValueError, UnicodeError, OverflowError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused(f"The pickle is damaged near byte {at}.") from None
        if at + 1 != len(data):
            raise Refused(f"{len(data) - at - 1} bytes follow the end of the pickle.")
        if len(self.stack) != 1 or self.stack[0].kind != "dict":
            raise Refused("The pickle does not give one dictionary, as a checkpoint is one.")
        if unused := set(self.storages) - self.used:
            raise Refused(f"No tensor takes the storage data/{min(unused)}.", f"data/{min(unused)}")
        return self.names

    # values

    def on_proto(self, version):
        if version != 2:
            raise Refused(f"The pickle is of protocol {version}; torch.save writes protocol 2.", f"PROTO {version}")

    def on_none(self, _):
        self.push("none")

    def on_newtrue(self, _):
        self.push("bool", True)

    def on_newfalse(self, _):
        self.push("bool", False)

    def on_binint(self, number):
        self.push("int", number)

    on_binint1 = on_binint2 = on_binint

    def on_long1(self, number):
        if abs(number) >= 2**63:
            raise Refused("The pickle has a number of more than 64 bits.")
        self.push("int", number)

    def on_binfloat(self, number):
        self.push("float", number)

    def on_binunicode(self, text):
        if len(text) > MOST_TEXT:
            raise Refused(f"The pickle has a text of more than {MOST_TEXT} characters.")
        self.push("text", text)

    def on_empty_dict(self, _):
        self.push("dict", set())

    def on_empty_list(self, _):
        self.push("list")

    def on_empty_tuple(self, _):
        self.push("tuple", ())

    def on_tuple1(self, _):
        self.tuple_of(1)

    def on_tuple2(self, _):
        self.tuple_of(2)

    def on_tuple3(self, _):
        self.tuple_of(3)

    def tuple_of(self, count):
        self.push_tuple(tuple(self.pop() for _ in range(count))[::-1])

    def on_mark(self, _):
        self.stack.append(MARK)

    def on_tuple(self, _):
        self.push_tuple(tuple(self.to_mark()))

    def push_tuple(self, values):
        self.stack.append(Value("tuple", values, any(value.is_tool for value in values)))

    # containers

    def on_append(self, _):
        self.stored(self.pop())
        self.top("list")

    def on_appends(self, _):
        for value in self.to_mark():
            self.stored(value)
        self.top("list")

    def on_setitem(self, _):
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def on_setitems(self, _):
        self.set_items(self.to_mark())

    def set_items(self, items):
        target = self.top("dict")
        if FROZEN in target.what:
            raise Refused("The pickle adds hooks to a tensor.")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key.kind not in PLAIN:
                raise Refused(f"A dictionary has {_a(key)} as a key.")
            self.stored(value)
            target.what.add(key.what if key.kind == "text" else (key.kind, key.what))

    # memo

    def on_binput(self, place):
        if place != len(self.memo) or self.stack[-1] is MARK:
            raise Refused("The pickle's memo is not filled in order, as torch.save does it.", f"PUT {place}")
        self.memo.append(self.stack[-1])

    on_long_binput = on_binput

    def on_binget(self, place):
        if place >= len(self.memo):
            raise Refused("The pickle reads a place of its memo that nothing was written to.", f"GET {place}")
        self.stack.append(self.memo[place])

    on_long_binget = on_binget

    # what makes objects

    def on_global(self, argument):
        name = argument.replace(" ", ".", 1)
        if name not in self.kinds or argument.count(" ") != 1:
            raise Refused(f"“{name}” is not among the names that a checkpoint of Ultralytics holds.", name)
        self.names[name] = self.names.get(name, 0) + 1
        self.stack.append(Value("name", name, True))

    def on_binpersid(self, _):
        """A storage: ("storage", torch.FloatStorage, key, device, number of elements)."""
        parts = self.pop()
        if parts.kind != "tuple" or [v.kind for v in parts.what] != ["text", "name", "text", "text", "int"]:
            raise Refused("The pickle has a persistent id that is no storage.", "BINPERSID")
        word, name, key, device, count = (value.what for value in parts.what)
        width = STORAGES.get(name.removeprefix("torch."))
        if word != "storage" or width is None or not DEVICE.fullmatch(device):
            raise Refused("The pickle has a persistent id that is no storage.", name)
        if self.storages.get(key) != count * width:
            raise Refused(f"The storage data/{key[:20]} is not in the file, or has another size.", f"data/{key[:20]}")
        self.used.add(key)
        self.stack.append(Value("storage", count, True))

    def on_newobj(self, _):
        arguments, name = self.pop(), self.pop()
        if name.kind != "name" or self.kinds[name.what] != "layer" or arguments != Value("tuple", ()):
            raise Refused(f"The pickle makes {_a(name)} in a way that torch.save never does.", _name(name))
        self.push("layer", name.what)

    def on_build(self, _):
        state, target = self.pop(), self.pop()
        if target.kind == "dtype":
            if state.kind != "tuple" or any(value.kind not in PLAIN for value in state.what):
                raise Refused("The pickle describes a type of numpy as numpy never does.", "numpy.dtype")
        elif target.kind not in ("layer", "namespace") or state.kind != "dict":
            raise Refused(f"The pickle gives attributes to {_a(target)}, which torch.save never does.", _name(target))
        elif bad := [key for key in state.what if not isinstance(key, str) or key.startswith("__")]:
            raise Refused(f"The pickle sets “{str(bad[0])[:80]}” of {_a(target)}.", str(bad[0])[:80])
        self.stack.append(target)

    def on_reduce(self, _):
        arguments, name = self.pop(), self.pop()
        kind = self.kinds.get(name.what) if name.kind == "name" else None
        call = getattr(self, f"call_{kind}", None)
        if call is None or arguments.kind != "tuple":
            raise Refused(f"The pickle calls {_a(name)}, which torch.save never does.", _name(name))
        values = arguments.what
        if not call(values, [value.kind for value in values]):
            raise Refused(f"The pickle calls “{name.what}” with arguments that torch.save never gives it.", name.what)
        self.stack.append(Value(kind, set() if kind == "dict" else None, kind in ("bytes", "dtype")))

    def call_tensor(self, values, kinds):
        """(storage, offset, size, stride, requires_grad, hooks), all of it inside the storage."""
        if kinds not in (["storage", "int", "tuple", "tuple", "bool", "dict"],
                         ["storage", "int", "tuple", "tuple", "bool", "dict", "dict"]):  # fmt: skip
            return False
        numbers = [*values[2].what, *values[3].what]
        if any(value.kind != "int" or value.what < 0 for value in numbers) or values[1].what < 0:
            return False
        size, stride = ([value.what for value in values[place].what] for place in (2, 3))
        if len(size) != len(stride) or not all(self.is_empty_for_good(value) for value in values[5:]):
            return False
        last = values[1].what + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        return not math.prod(size) or last < values[0].what

    def call_parameter(self, values, kinds):
        return kinds == ["tensor", "bool", "dict"] and self.is_empty_for_good(values[2])

    def is_empty_for_good(self, value):
        """Whether these hooks are none; nothing may be put there later."""
        is_empty = not value.what - {FROZEN}
        value.what.add(FROZEN)
        return is_empty

    def call_dict(self, values, kinds):
        return not kinds

    def call_set(self, values, kinds):
        return kinds == ["list"]

    def call_size(self, values, kinds):
        return kinds == ["tuple"] and all(value.kind == "int" for value in values[0].what)

    def call_device(self, values, kinds):
        return kinds in (["text"], ["text", "int"]) and bool(DEVICE.fullmatch(values[0].what))

    def call_bytes(self, values, kinds):
        return kinds == ["text", "text"] and values[1].what == "latin1" and len(values[0].what) <= 64

    def call_dtype(self, values, kinds):
        shapes = (["text", "bool", "bool"], ["text", "int", "int"])
        return kinds in shapes and bool(DTYPE.fullmatch(values[0].what))

    def call_scalar(self, values, kinds):
        return kinds == ["dtype", "bytes"]

    def call_namespace(self, values, kinds):
        return not kinds

    def call_path(self, values, kinds):
        return all(value.kind == "text" and PATH_PART.fullmatch(value.what) for value in values)

    def on_stop(self, _):
        if MARK in self.stack:
            raise Refused("The pickle ends inside something.")

    # the stack

    def push(self, kind, what=None):
        self.stack.append(Value(kind, what))

    def pop(self):
        value = self.stack.pop()
        if value is MARK:
            raise Refused("The pickle takes a mark for a value.")
        return value

    def to_mark(self):
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            if place == 0:
                raise Refused("The pickle closes what it never opened.")
            place -= 1
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def top(self, kind):
        if self.stack[-1].kind != kind:
            raise Refused(f"The pickle puts something into {_a(self.stack[-1])} as if it were a {kind}.")
        return self.stack[-1]

    def stored(self, value):
        """A name is there to be called; kept as a value, something else could call it later."""
        if value.is_tool:
            raise Refused(f"The pickle keeps {_a(value)} as a value, which torch.save never does.", _name(value))


def _name(value: Value) -> str:
    return value.what if value.kind in ("name", "layer") else value.kind


def _a(value: Value) -> str:
    return f"“{value.what}”" if value.kind in ("name", "layer") else f"a value of the kind “{value.kind}”"
