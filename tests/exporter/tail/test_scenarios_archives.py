"""Rotated files of every compression, recognised by their content."""

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coderouter_exporter.tail import closed_files
from support.exporter.engine import EngineRig, is_exact
from support.exporter.process import append, tried
from support.exporter.rotation import rotate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]
Compress = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    try:
        library: Any = importlib.import_module("compression.zstd")
    except ImportError:
        library = pytest.importorskip("backports.zstd")
    packed: bytes = library.compress(data)
    return packed


COMPRESSIONS = [(".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstd), (".bz2", bz2.compress)]


def gz_files(engine: EngineRig, result: str) -> float:
    return engine.shown()["cr_exporter_gz_files_total", (result,)]


def replace(plain: Path, suffix: str, packed: bytes) -> Path:
    plain.unlink()
    archive = plain.with_name(plain.name + suffix)
    archive.write_bytes(packed)
    return archive


@pytest.mark.parametrize(("suffix", "compress"), COMPRESSIONS)
def test_a_file_read_to_its_end_and_compressed_while_down_stays_exact(
    start: Start, writer: Writer, events: Path, suffix: str, compress: Compress
) -> None:
    writer.write(count=3)
    assert is_exact(start(), 3)
    plain = rotate(events)
    replace(plain, suffix, compress(plain.read_bytes()))
    writer.reopen()
    writer.write()
    engine = start(late_writer_s=0.0)
    assert is_exact(engine, 4)
    assert is_exact(engine, 4)
    assert gz_files(engine, "known") == 1


@pytest.mark.parametrize(("suffix", "compress"), COMPRESSIONS)
def test_the_rest_of_a_file_compressed_while_down_counts(
    start: Start, writer: Writer, events: Path, suffix: str, compress: Compress
) -> None:
    """It is of several parts, as a compressor makes that works on several cores."""
    writer.write(count=3)
    assert is_exact(start(), 3)
    writer.write(count=30)
    plain = rotate(events)
    content = plain.read_bytes()
    replace(plain, suffix, compress(content[:500]) + compress(content[500:]))
    writer.reopen()
    writer.write()
    assert is_exact(start(), 34)
    assert is_exact(start(), 34)


@pytest.mark.parametrize(("suffix", "compress"), COMPRESSIONS)
def test_an_archive_counts_once_it_is_complete(
    start: Start, writer: Writer, events: Path, suffix: str, compress: Compress
) -> None:
    """It grows, or its space was allocated at once."""
    writer.write(count=20)
    plain = rotate(events)
    whole = compress(plain.read_bytes())
    archive = replace(plain, suffix, b"")
    writer.reopen()
    writer.write()
    engine = start()
    for size in (1, 5, len(whole) // 2, len(whole) - 12):
        for allocated in (size, len(whole) + 100):
            archive.write_bytes(whole[:size].ljust(allocated, b"\0"))
            assert engine.tries() == 1
            assert engine.shown()["cr_exporter_files_pending", ()] == 1
            assert gz_files(engine, "corrupt") == 0
    archive.write_bytes(whole)
    assert is_exact(engine, 21)
    assert engine.shown()["cr_exporter_files_pending", ()] == 0


def test_an_archive_that_nobody_completes_is_given_up_until_it_changes(
    start: Start, writer: Writer, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(count=20)
    plain = rotate(events)
    whole = gzip.compress(plain.read_bytes())
    archive = replace(plain, ".gz", whole[:-9])
    engine = start()
    assert engine.tries() == 0
    monkeypatch.setattr(closed_files, "SETTLED_S", 0.0)
    for _ in range(3):
        engine.scrape()
        assert (gz_files(engine, "corrupt"), engine.shown()["cr_exporter_files_pending", ()]) == (1, 0)
    assert gz_files(start(), "corrupt") == 1
    archive.write_bytes(whole)
    assert start().tries() == 20


def test_another_archive_with_the_inode_and_size_of_one_that_was_read_counts(
    start: Start, events: Path
) -> None:
    """A file system gives the inode of a removed file to the next one."""
    events.parent.mkdir()
    append(events, tried(writer="active", seq=1))
    archive = events.with_name("events.jsonl.1.gz")
    for number, name in enumerate(("v", "w")):
        archive.write_bytes(gzip.compress(tried(writer=name, seq=1), compresslevel=0, mtime=0))
        assert is_exact(start(late_writer_s=0.0), 2 + number)


@pytest.mark.parametrize(
    ("suffix", "content", "reason"),
    [
        (".lz4", b"\x04\x22\x4d\x18 rest", "it is compressed with lz4"),
        (".Z", b"\x1f\x9d rest", "it is compressed with compress"),
        (".gz", b"packed", "its first bytes are of no known compression"),
    ],
)
def test_other_compressions_are_reported_with_the_reason(
    start: Start,
    writer: Writer,
    events: Path,
    suffix: str,
    content: bytes,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer.write()
    other = events.with_name(f"events.jsonl.1{suffix}")
    other.write_bytes(content)
    for starts in range(1, 4):
        engine = start()
        for _ in range(2):
            assert is_exact(engine, 1)
        assert gz_files(engine, "unsupported") == 1
        assert caplog.messages.count(f"skipping {other}: {reason}") == starts


def test_an_archive_that_demands_much_memory_is_refused(start: Start, writer: Writer, events: Path) -> None:
    writer.write()
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(tried(writer="w", seq=1), filters=filters))
    dictionary = packed.index(b"\x21\x01") + 2
    packed[dictionary] = 40  # 4 GiB
    header = 12
    length = (packed[header] + 1) * 4 - 4
    packed[header + length : header + length + 4] = _crc32(packed[header : header + length])
    events.with_name("events.jsonl.1.xz").write_bytes(packed)
    engine = start()
    assert is_exact(engine, 1)
    assert gz_files(engine, "unsupported") == 1


def _crc32(data: bytearray) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")
