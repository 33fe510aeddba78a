"""`cr-exporter fold` over all rotated files, in the order in which a shell lists them."""

import gzip
import itertools
import lzma
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from coderouter_exporter.families import exporter as families_exporter
from coderouter_exporter.families import proxy, table
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_exporter.offline.order import Sources, UnreadableFile
from support.exporter.process import CR_EXPORTER, append, line, running_exporter, samples, tried
from support.processes import clean_environment, eventually
from support.run_command import run

FED_BY_EVENTS = {family.name for family in table.COUNTERS if family.feeds} | {
    families_exporter.LINES.name,
    families_exporter.EVENTS_READ.name,
}


def event(number: int, **fields: object) -> bytes:
    """Return a try at that second; the second is in its provider's name too."""
    return tried(f"p{number}", ts=f"2026-11-23T10:00:{number:02}.000Z", writer="w", seq=number, **fields)


def tries(*paths: Path) -> dict[str, int]:
    return {name: total for (name,), total in fold_files(paths).totals(proxy.PROVIDER_ATTEMPTS).items()}


def oldest_first(paths: Iterable[Path]) -> list[Path]:
    sources = Sources(paths)
    try:
        return [source.path for source in sources.oldest_first()]
    finally:
        sources.close()


@pytest.fixture
def rotated(tmp_path: Path) -> list[Path]:
    """Four files of two events each, oldest first; the second is compressed."""
    paths = [tmp_path / f"events.jsonl{end}" for end in (".10", ".9.gz", "-20261123", "")]
    for number, path in enumerate(paths):
        text = event(2 * number) + event(2 * number + 1)
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return paths


def test_files_are_read_in_the_order_of_writing_however_the_shell_sorts_them(rotated: list[Path]) -> None:
    for order in itertools.permutations(rotated):
        assert oldest_first(order) == rotated
        shown = [shown.provider for shown in fold_files(order).recent_attempts]
        assert shown == [f"p{number}" for number in range(8)]


def test_a_plain_file_and_its_compressed_copy_count_once(rotated: list[Path]) -> None:
    copy = rotated[0].with_name("events.jsonl.10.gz")
    copy.write_bytes(gzip.compress(rotated[0].read_bytes()))
    assert set(tries(*rotated, copy).values()) == {1}


@pytest.mark.parametrize("bytes_there", [0, 5, 20, 60, -1])
def test_a_copy_that_is_still_being_compressed_is_left_out(rotated: list[Path], bytes_there: int) -> None:
    copy = rotated[0].with_name("events.jsonl.10.gz")
    copy.write_bytes(gzip.compress(rotated[0].read_bytes())[:bytes_there])
    assert set(tries(copy, *rotated).values()) == {1}


def test_a_copy_counts_once_even_if_the_original_has_grown_since(rotated: list[Path]) -> None:
    copy = Path(shutil.copy(rotated[3], rotated[3].with_name("events.jsonl.1")))
    append(rotated[3], event(8))
    assert oldest_first([copy, *rotated]) == rotated
    assert tries(copy, *rotated)["p8"] == 1


def test_files_with_a_common_beginning_both_count(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_bytes(tried("same") + tried("one"))
    two.write_bytes(tried("same") + tried("two"))
    assert tries(one, two) == {"same": 2, "one": 1, "two": 1}


def test_a_file_named_twice_counts_once(rotated: list[Path]) -> None:
    link = rotated[0].with_name("events.jsonl.latest")
    link.symlink_to(rotated[0])
    assert set(tries(*rotated, *rotated, link).values()) == {1}


def test_a_large_copy_is_compared_to_its_end(tmp_path: Path) -> None:
    path, copy, other = (
        tmp_path / name for name in ("events.jsonl.1", "events.jsonl.1.gz", "events.jsonl.2")
    )
    path.write_bytes(tried(padding="x" * 1000) * 3000)
    copy.write_bytes(gzip.compress(path.read_bytes(), 1))
    other.write_bytes(path.read_bytes()[: -len(b'"local"}\n')] + b'"other"}\n')
    assert sorted(oldest_first([copy, path, other])) in ([path, other], [copy, other])


def test_a_compression_that_is_not_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.1.lz4"
    path.write_bytes(b"\x04\x22\x4d\x18 rest")
    with pytest.raises(UnreadableFile, match=r"events\.jsonl\.1\.lz4 is compressed with lz4; decompress it"):
        fold_files([path])


def test_xz_files_are_read(rotated: list[Path]) -> None:
    packed = rotated[0].with_name("events.jsonl.10.xz")
    packed.write_bytes(lzma.compress(rotated[0].read_bytes()))
    assert set(tries(*rotated, packed).values()) == {1}
    assert set(tries(packed, *rotated[1:]).values()) == {1}


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("kind", ["hard link", "symlink", "pipe", "copy without the last newline"])
def test_a_file_under_several_names_counts_once(tmp_path: Path, kind: str, numbered: bool) -> None:
    events, other = tmp_path / "events.jsonl", tmp_path / "other"
    events.write_bytes(event(1) + event(2) if numbered else tried("p1") + tried("p2"))
    if kind == "hard link":
        other.hardlink_to(events)
    elif kind == "symlink":
        other.symlink_to(events)
    elif kind == "pipe":
        os.mkfifo(other)
        threading.Thread(target=other.write_bytes, args=[events.read_bytes()]).start()
    else:
        other.write_bytes(events.read_bytes()[:-1])
    assert tries(events, other) == {"p1": 1, "p2": 1}


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("command", ["fold", "backfill"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_pipe_counts_to_its_last_line(command: str, end: bytes, compress: Callable[[bytes], bytes]) -> None:
    lines = b"".join(event(number % 60) for number in range(1, 5000)).rstrip() + end
    lines = lines.replace(b'"seq": ', b'"number": ')
    shown = subprocess.run(
        [CR_EXPORTER, command, "/dev/stdin"],
        input=compress(lines),
        env=clean_environment(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    total = [row for row in shown.splitlines() if row.startswith("coderouter_requests_total ")][-1]
    assert float(total.split()[1]) == 4999


def test_a_last_line_without_a_newline_counts(rotated: list[Path]) -> None:
    for path in (rotated[0], rotated[3]):
        path.write_bytes(path.read_bytes().rstrip())
    assert tries(*rotated) == {f"p{number}": 1 for number in range(8)}


def test_half_a_line_at_the_end_is_rejected_and_nul_bytes_are_skipped(tmp_path: Path) -> None:
    half, allocated = tmp_path / "half", tmp_path / "allocated"
    half.write_bytes(event(1) + event(2)[:-9])
    allocated.write_bytes(event(3) + b"\0" * 999)
    state = fold_files([half, allocated])
    lines = state.totals(families_exporter.LINES)
    assert (lines["event",], lines["json",], lines["nul",]) == (2, 1, 1)
    assert state.totals(families_exporter.NUL_BYTES) == {(): 999}


def test_a_damaged_file_without_an_intact_copy_is_refused(rotated: list[Path]) -> None:
    rotated[1].write_bytes(rotated[1].read_bytes()[:-9])
    with pytest.raises(UnreadableFile, match=r"cannot read .*\.9\.gz to its end"):
        fold_files(rotated)


def test_all_rotated_files_give_the_totals_of_the_live_exporter(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    second = itertools.count()
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        for turn in range(4):
            append(
                events,
                *(event(next(second)) for _ in range(10)),
                b"not an event\n",
                line("of another version"),
            )
            eventually(lambda: exporter.scrape()["cr_exporter_bytes_behind", ()] == 0)
            if turn < 3:
                old = events.rename(events.with_name(f"events.jsonl.{3 - turn}"))
                if turn < 2:
                    old.with_name(old.name + ".gz").write_bytes(gzip.compress(old.read_bytes()))
                if turn < 1:
                    old.unlink()
        served = exporter.scrape()
    files = sorted(tmp_path.glob("events.jsonl*"), reverse=True)
    totals = samples(run((CR_EXPORTER, "fold", *files)).stdout)
    for sample in served.keys() | totals.keys():
        if sample[0] in FED_BY_EVENTS:
            assert totals[sample] == served[sample], sample
    assert totals["coderouter_requests_total", ()] == 40


def test_lock_and_spill_files_beside_the_event_file_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, tried(writer="w", seq=1))
    append(path.with_name("events.jsonl.0a1b.spill"), tried(writer="w", seq=2))
    append(path.with_name("events.jsonl.alive"))
    assert oldest_first(tmp_path.glob("events.jsonl*")) == [path]


def test_a_clock_that_was_wrong_when_a_file_began_changes_neither_totals_nor_what_is_newest(
    tmp_path: Path,
) -> None:
    """The machine started hours ahead, and its clock was set while the proxy ran."""

    def started(version: str, ts: str, writer: str) -> bytes:
        return line("coderouter-startup", ts=ts, writer=writer, seq=1, version=version, providers=["a"])

    old, middle, new = (tmp_path / name for name in ("events.jsonl.2", "events.jsonl.1", "events.jsonl"))
    old.write_bytes(started("1", "2026-11-23T08:00:00.000Z", "old"))
    middle.write_bytes(started("2", "2026-11-23T21:00:00.000Z", "new"))
    new.write_bytes(line("config-reloaded", ts="2026-11-23T12:05:00.000Z", writer="new", seq=2, version="3"))
    for order in itertools.permutations((old, middle, new)):
        state = fold_files(order)
        assert state.startup is not None
        assert (state.startup.version, state.events_missing) == ("3", 0)
        assert [event.event for event in state.recent_events] == [
            "coderouter-startup", "coderouter-startup", "config-reloaded",
        ]  # fmt: skip


def test_files_without_any_event_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("a: 1\nb: 2\n")
    assert run((CR_EXPORTER, "fold", tmp_path / "providers.yaml")).stderr == (
        "cr-exporter: no event in 2 lines; are these event files?\n"
    )
    append(tmp_path / "events.jsonl", tried(writer="w", seq=1))
    assert run((CR_EXPORTER, "fold", tmp_path / "events.jsonl")).stderr == ""
