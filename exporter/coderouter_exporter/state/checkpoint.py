"""What is committed of each event file: how far it has been read, and what it is recognised by."""

import secrets

import msgspec


class Checkpoint(msgspec.Struct, kw_only=True):
    """How far one file has been read. The file is recognised by its content, whatever its name is now."""

    path: str
    """The configured event file that this file is, or was before a rotation."""
    inode: int
    """A hint only: a file system reuses the number of a removed file."""
    last_path: str = msgspec.field(default="", name="place")
    """The path at which the file was last seen."""
    offset: int = 0
    head_bytes: int = 0
    head_digest: bytes = b""
    tail_bytes: int = msgspec.field(default=0, name="marker_bytes")
    tail_digest: bytes = msgspec.field(default=b"", name="marker_digest")
    """Of the last bytes before the offset; with the head it proves that the offset is in this file."""
    skipping: bool = False
    """The offset is inside an oversize line; the rest of it is still to be skipped."""
    compressed: bool = msgspec.field(default=False, name="packed")
    """The file is compressed; the offset counts uncompressed bytes."""
    packed_digest: bytes = b""
    """Of the compressed file when it was finished: its size, beginning and end."""
    refused: str = ""
    """Why the file is never read; empty if it can be."""
    size: int = 0
    """Of the file on disk when it was finished."""
    finished: bool = False
    """When last seen, it had been rotated away and read to its end; or it can never be read."""
    number: int = msgspec.field(default_factory=lambda: secrets.randbits(52))
    """The writers refer to the file by it."""
    at_path: bool = False
    """It has been seen at the configured path."""
    grows: bool = False
    """It has never been at the path, and grew after it was read to its end: no rotation makes such a file."""
    gone_s: float = 0.0
    """For how long it has been gone while an exporter ran."""
