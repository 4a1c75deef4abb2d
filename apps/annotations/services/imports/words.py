"""What an import's report calls things."""

from enum import StrEnum

from apps.annotations.formats.base import Code


class Kind(StrEnum):
    """Kinds of the import's own, beside the formats' codes."""

    BAD_IMAGE = "bad_image"
    TWICE = "twice_in_archive"
    ALREADY_HERE = "already_here"
    SKIPPED = "skipped_file"
    TOO_MANY = "too_many_boxes"
    BAD_BOX = "bad_box"
    UNWANTED = "class_left_out"
    SPLIT = "split_changed"
    FORMER_NAME = "former_name"


KIND_WORDS = {
    Kind.BAD_IMAGE: "Images that cannot be read",
    Kind.TWICE: "Pictures twice in the archive",
    Kind.ALREADY_HERE: "Pictures that were here already",
    Kind.SKIPPED: "Files not opened",
    Kind.TOO_MANY: "Too many boxes on an image",
    Kind.BAD_BOX: "Boxes that cannot be taken",
    Kind.UNWANTED: "Boxes of classes left out",
    Kind.SPLIT: "Splits changed",
    Kind.FORMER_NAME: "Classes matched by a former name",
    Code.NO_AREA: "Boxes without area",
    Code.CLIPPED: "Boxes clipped to the image",
    Code.OUTSIDE: "Boxes outside the image",
    Code.SWAPPED: "Corners swapped",
    Code.UNKNOWN_CLASS: "Unknown classes",
    Code.BAD_VALUE: "Values that cannot be used",
    Code.DUPLICATE: "Duplicates",
    Code.CROWD: "Crowds",
    Code.SIMPLIFIED: "Simplified",
    Code.UNSUPPORTED: "Shapes that are neither box nor polygon",
    Code.IMAGE_MISSING: "Images missing",
    Code.IMAGE_AMBIGUOUS: "Images that cannot be told apart",
    Code.LABEL_WITHOUT_IMAGE: "Labels without image",
    Code.UNREADABLE: "Files that cannot be read",
    Code.NOTE: "Notes",
}  # fmt: skip
KIND_WORDS = {str(kind): words for kind, words in KIND_WORDS.items()}
