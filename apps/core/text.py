"""Text from outside, made fit for an answer and for every database; sizes in words."""

from django.template.defaultfilters import filesizeformat


def sayable(data):
    """`data` (JSON) without NUL, which PostgreSQL refuses, and without half characters, which nothing encodes."""
    if isinstance(data, dict):
        return {sayable(key): sayable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [sayable(value) for value in data]
    if isinstance(data, str):
        return data.replace("\x00", "").encode(errors="replace").decode()
    return data


def sized(number):
    """Bytes in words, “1.5 MB”, with a space that every terminal and log shows as one."""
    return filesizeformat(number).replace("\xa0", " ")
