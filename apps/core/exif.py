"""When and with what a picture was taken, as its EXIF says. Files lie: what makes no sense is not there."""

import re
import warnings
from datetime import UTC, datetime, timedelta

EXIF_IFD = 0x8769
MAKE, MODEL = 0x010F, 0x0110
TIMES = (  # (time, fraction of its second, offset from UTC), of the shot before those of the scan
    (0x9003, 0x9291, 0x9011),
    (0x9004, 0x9292, 0x9012),
)
YEARS = range(1970, 2100)
MAX_CAMERA = 100


def taken_and_camera(image):
    """(aware datetime or None, "make model" or "") of a loaded Pillow image; a time without zone is taken for UTC."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = image.getexif()
            return (_taken(exif.get_ifd(EXIF_IFD)), _camera(exif)) if exif else (None, "")
    except Exception:  # Pillow raises many kinds on broken EXIF, which is no reason to refuse the picture
        return None, ""


def _taken(tags):
    for time, fraction, offset in TIMES:
        when = _time(_text(tags.get(time)), _text(tags.get(fraction)), _text(tags.get(offset)))
        if when is not None:
            return when
    return None


def _time(text, fraction, offset):
    found = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", text, re.ASCII)
    if found is None or int(found[1]) not in YEARS:
        return None
    try:
        when = datetime(*map(int, found.groups()), tzinfo=UTC)
    except ValueError:
        return None
    if re.fullmatch(r"\d{1,9}", fraction, re.ASCII):
        when += timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    return when - _zone(offset)


def _zone(text):
    found = re.fullmatch(r"([+-])(\d\d):?(\d\d)", text, re.ASCII)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return timedelta(0)
    zone = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -zone if found[1] == "-" else zone


def _camera(exif):
    make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
    name = model if model.casefold().startswith(make.casefold()) else f"{make} {model}"
    return name.strip()[:MAX_CAMERA].strip()


def _text(value):
    """A tag's text on one line, printable only; "" for what is no text."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() and c != "�" else " " for c in value[:1000]).split())
