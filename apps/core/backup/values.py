"""Values of a row as JSON has them, and back as Python has them; the same of every database."""

import base64
import datetime
import decimal
import uuid

KINDS = {
    "BinaryField": "binary",
    "DateField": "date",
    "DateTimeField": "datetime",
    "DecimalField": "decimal",
    "DurationField": "duration",
    "JSONField": "json",
    "TimeField": "time",
    "UUIDField": "uuid",
}
PLAIN = "plain"
TO_JSON = {
    "binary": lambda value: base64.b64encode(bytes(value)).decode(),
    "date": datetime.date.isoformat,
    "datetime": lambda value: value.astimezone(datetime.UTC).isoformat(),
    "decimal": str,
    "duration": lambda value: value // datetime.timedelta(microseconds=1),
    "time": datetime.time.isoformat,
    "uuid": str,
}
FROM_JSON = {
    "binary": base64.b64decode,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "decimal": decimal.Decimal,
    "duration": lambda value: datetime.timedelta(microseconds=value),
    "time": datetime.time.fromisoformat,
    "uuid": uuid.UUID,
}


def kind_of(field):
    """How the values of a model's field are written: one of KINDS, or "plain" for what JSON has itself."""
    while field.is_relation:
        field = field.target_field
    return KINDS.get(field.get_internal_type(), PLAIN)


def writer(kind):
    """A function from a Python value to one of JSON; None stays None."""
    return _unless_none(TO_JSON.get(kind))


def reader(kind):
    """The way back from `writer`."""
    return _unless_none(FROM_JSON.get(kind))


def _unless_none(convert):
    if convert is None:
        return lambda value: value
    return lambda value: None if value is None else convert(value)
