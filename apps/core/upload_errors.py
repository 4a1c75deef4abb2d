"""Why an upload is refused, in words for the person who sends it."""


class UploadError(Exception):
    """The upload is refused; the message is for the person who sends it."""


class UploadTooLarge(UploadError):
    """More bytes than are accepted, or than were announced."""


class TooManyUploads(UploadError):
    """This person has too many that are not finished."""


class NoRoom(UploadError):
    """The disk is full."""


class UploadBusy(UploadError):
    """Another request writes to it at this moment."""


class UploadGone(UploadError):
    """Its bytes are not here any more."""


class UploadIncomplete(UploadError):
    """Bytes are missing."""


class WrongWay(UploadError):
    """Its bytes go the other way: straight to the store, or through here."""


class WrongOffset(UploadError):
    """The piece does not follow on what is here; `offset` is where it should."""

    def __init__(self, offset):
        self.offset = offset
        super().__init__(f"{offset} bytes are here: the next piece must start there.")
