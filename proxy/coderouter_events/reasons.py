"""Why something failed, in words for a message."""


def reason_of(error: BaseException) -> str:
    """Return it without the number and the path of an OSError: a message names the path itself."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
