"""What a file's name says of its source: the video it is a frame of, the burst, the picture it was made from. Pure.

Clear patterns only. IMG_0001 … IMG_9999 are pictures of one camera, not of one source: numbers alone say nothing,
unless the person says so (`source_before_number`).
"""

import re
from collections import defaultdict
from pathlib import PurePath

VIDEO = r"mp4|avi|mov|mkv|webm|m4v|mpe?g|wmv|flv|3gp|mts|m2ts"
PICTURE = r"jpe?g|png|bmp|webp|tiff?|gif"
MOST_COPIES = 4  # "name (1)" to "name (57)" are a renamed folder, not 57 copies

# (kind, pattern): `source` names what the pictures have in common.
PATTERNS = [(kind, re.compile(pattern, re.IGNORECASE | re.ASCII)) for kind, pattern in (
    ("original", rf"(?P<source>.+?)[._-](?:{PICTURE})\.rf\.[0-9a-z_-]{{16,64}}"),  # Roboflow's augmentations
    ("video", rf"(?P<source>.+?)[._-](?:{VIDEO})[-_. #]+(?:frame[-_ ]?|f)?\d+"),  # street.mp4-0001, street_mp4-12
    ("video", r"(?P<source>.*[^-_. ])[-_. ]+(?:frame|frm)[-_. ]?\d+"),  # street_frame_000123
    ("burst", r".*[-_. ]burst(?P<source>\d{14,17})(?:_cover)?"),  # 00001IMG_00001_BURST20240506070809123
    ("burst", r"(?P<source>.*\d.*)[-_. ]burst[-_. ]?\d{1,4}(?:_cover)?"),  # IMG_20240506_070809_BURST001
    ("burst", r"(?P<source>pxl_\d{8}_\d{9})\..+"),  # PXL_20240506_070809123.RAW-01.COVER
    ("burst", r"(?P<source>\d{8}_\d{6})_\d{3}"),  # 20240506_070809_001
    ("original", r"(?P<source>.+?)__\d+(?:\.\d+)?__-?\d+___-?\d+"),  # P0006__1__0___824, a tile
    ("original", r"(?P<source>.+?)[-_. ]tile[-_. ]?\d+(?:[-_x. ]\d+)?"),
    ("original", r"(?P<source>.+?)[-_. ]aug(?:mented)?[-_. ]?\d+"),
)]  # fmt: skip
COPY = re.compile(r"(?P<source>.+?) ?(?:\((?P<number>\d)\)|[- ]+copy(?: ?\(?\d\)?)?)", re.IGNORECASE | re.ASCII)
LAST_NUMBER = re.compile(r"(?P<source>.*?[^\d].*?)\d+\D*", re.ASCII | re.DOTALL)


def source_by_name(filename):
    """(kind, source) as "video", "street"; None where the name says nothing. Case does not count."""
    stem = _stem(filename)
    for kind, pattern in PATTERNS:
        if found := pattern.fullmatch(stem):
            source = found["source"]
            # An augmented frame of a video belongs to the video.
            within = source_by_name(source + ".x") if len(source) < len(stem) else None
            return within or (kind, source)
    return None


def source_before_number(filename):
    """("sequence", what stands before the last number); None where nothing does."""
    found = LAST_NUMBER.fullmatch(_stem(filename))
    return ("sequence", found["source"]) if found else None


def sources_by_name(filenames, before_number=False):
    """{(kind, source): indices of the files that are from it}, of sources that have two files or more."""
    members = defaultdict(list)
    stems = defaultdict(list)
    copies = defaultdict(list)
    for index, name in enumerate(filenames):
        stems[_stem(name)].append(index)
        source = (source_before_number(name) if before_number else None) or source_by_name(name)
        if source:
            members[source].append(index)
        if found := COPY.fullmatch(_stem(name)):
            copies[found["source"].rstrip(" -")].append(index)
    for source, indices in copies.items():
        if source in stems and len(indices) <= MOST_COPIES:
            members["copy", source] += stems[source] + indices
    for source in [key for key in members if key[0] == "original"]:
        members[source] += set(stems.get(source[1], ())).difference(members[source])
    return {source: indices for source, indices in members.items() if len(indices) > 1}


def _stem(filename):
    path = PurePath(str(filename).casefold())
    return path.stem if re.fullmatch(rf"\.(?:{PICTURE}|x)", path.suffix, re.ASCII) else path.name
