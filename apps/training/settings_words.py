"""A job's training arguments in the field's words, for its page."""

from itertools import groupby
from typing import NamedTuple

from apps.training.arguments import Argument, arguments


class Setting(NamedTuple):
    """One argument as a job has it."""

    name: str
    label: str
    value: str
    default: str
    help: str

    @property
    def is_default(self):
        return self.value == self.default


def set_arguments(job):
    """Those that the job was asked for, in the order in which the form has them."""
    known = [_setting(argument, job.arguments[name]) for name, argument in arguments().items() if name in job.arguments]
    gone = [
        Setting(name, name, in_words(value), "", "") for name, value in job.arguments.items() if name not in arguments()
    ]
    return known + gone


def default_arguments(job):
    """`[(group, settings)]` of those that stayed as ultralytics has them."""
    left = [argument for name, argument in arguments().items() if name not in job.arguments]
    grouped = groupby(left, key=lambda argument: argument.group)
    return [(group, [_setting(argument, argument.default) for argument in some]) for group, some in grouped]


def in_words(value):
    """True → yes, 0.010 → 0.01."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _setting(argument: Argument, value):
    return Setting(argument.name, argument.label, in_words(value), in_words(argument.default), argument.help)
