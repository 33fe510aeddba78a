"""Why something failed, in words for a message."""


def reason_of(error: BaseException) -> str:
    """Return it without the number and the path of an OSError: a message names the path itself."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8: it has the byte 0x{error.object[error.start]:02x}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
