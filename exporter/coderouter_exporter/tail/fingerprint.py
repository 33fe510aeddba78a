"""Recognises a file by its content: digests of its first bytes and of the bytes before a checkpoint's offset."""

import hashlib
from enum import IntEnum
from typing import NamedTuple

from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.content import Content

HEAD_BYTES_MAX = 4096
TAIL_BYTES_MAX = 512


class Match(IntEnum):
    """How a file matches a checkpoint; the higher, the better."""

    NONE = 0
    SHORTER = 1
    """The same beginning, but the file ends before the offset: it is a copy, or its end was truncated."""
    SAME = 2
    """It is the checkpoint's file: reading can continue at its offset."""


def match(content: Content, checkpoint: Checkpoint) -> Match:
    if not 0 < checkpoint.head_bytes <= content.size:
        return Match.NONE
    if digest(content.bytes_at(0, checkpoint.head_bytes)) != checkpoint.head_digest:
        return Match.NONE
    if content.size < checkpoint.offset:
        return Match.SHORTER
    tail = _tail(content, checkpoint)
    # A state of schema 1 has no tail yet.
    same = not checkpoint.tail_bytes or digest(tail) == checkpoint.tail_digest
    return Match.SAME if same else Match.NONE


class Fingerprint(NamedTuple):
    """The bytes of which a checkpoint holds the digests."""

    head: bytes
    tail: bytes


def verify(content: Content, checkpoint: Checkpoint) -> Fingerprint | None:
    """Return the fingerprint, or None when the file no longer holds what was read of it."""
    head = content.bytes_at(0, checkpoint.head_bytes)
    tail = _tail(content, checkpoint)
    if checkpoint.head_bytes and digest(head) != checkpoint.head_digest:
        return None
    if checkpoint.tail_bytes and digest(tail) != checkpoint.tail_digest:
        return None
    return Fingerprint(head, tail)


def advance(checkpoint: Checkpoint, fingerprint: Fingerprint, data: bytes, length: int) -> None:
    """Move the checkpoint past the first `length` bytes of `data`, which were read at its offset."""
    if checkpoint.head_bytes < HEAD_BYTES_MAX:
        head = (fingerprint.head + data[:length])[:HEAD_BYTES_MAX]
        checkpoint.head_bytes = len(head)
        checkpoint.head_digest = digest(head)
    tail = (fingerprint.tail + data[max(0, length - TAIL_BYTES_MAX) : length])[-TAIL_BYTES_MAX:]
    checkpoint.tail_bytes = len(tail)
    checkpoint.tail_digest = digest(tail)
    checkpoint.offset += length
    checkpoint.finished = False


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _tail(content: Content, checkpoint: Checkpoint) -> bytes:
    return content.bytes_at(checkpoint.offset - checkpoint.tail_bytes, checkpoint.tail_bytes)
