"""Manifests: what a version holds, as a file; and what differs between two. Pure: no database.

A manifest is gzipped JSON lines: a header, then a line for each image in the order of the images' hashes. An entry, as
`read_entries` yields it for every format that was ever written:

    {sha256, file, filename, plain, width, height, split, labeled, state, group, tags, source, revision,
     boxes: [[class key, x, y, width, height, points or None, confidence or None, source of the box], …]}
"""

from .comparison import IMAGE_KINDS, compare
from .files import FORMAT, ManifestWriter, content_hash_of, read_entries, read_header

__all__ = ["FORMAT", "IMAGE_KINDS", "ManifestWriter", "compare", "content_hash_of", "read_entries", "read_header"]
