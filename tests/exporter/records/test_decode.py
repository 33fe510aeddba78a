from typing import Any

import pytest

from coderouter_events.events import LINE_BYTES_MAX
from coderouter_exporter.records.decode import (
    READ_BYTES_MAX,
    configuration_events,
    cut,
    read_batch,
    read_line,
    salvage,
)
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time
from support.exporter.process import line, tried

GOOD = tried(writer="w", seq=1).rstrip()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \t\r", "empty"),
        (b"not json", "json"),
        (GOOD[:-9], "json"),
        (b'{"msg":"try-provider","provider":"\xff"}', "utf8"),
        (b"[1]", "object"),
        (b"[" + GOOD + b"]", "object"),
        (b"null", "object"),
        (b"17", "object"),
        (GOOD + b" x" * LINE_BYTES_MAX, "oversize"),
        (b"\0\0\0", "nul"),
    ],
)
def test_a_rejected_line_has_a_reason_and_affects_no_other(data: bytes, reason: str) -> None:
    assert salvage(data) == ([], [reason])
    batch = read_batch(GOOD + b"\n" + data + b"\n" + GOOD + b"\n")
    assert len(batch.records) == 2
    assert batch.rejected == {reason: 1}


@pytest.mark.parametrize("data", [GOOD + b"\r", b"\xef\xbb\xbf" + GOOD, b" " + GOOD])
def test_windows_line_ends_and_a_byte_order_mark_are_accepted(data: bytes) -> None:
    assert salvage(data) == salvage(GOOD)
    assert read_batch(data + b"\n").records == salvage(GOOD)[0]


def test_two_halves_of_a_record_on_two_lines_are_rejected() -> None:
    batch = read_batch(b'{"msg":"try-provider",\n"provider":"local"}\n')
    assert batch.records == []
    assert batch.rejected == {"json": 2}


@pytest.mark.parametrize("at", range(1, len(GOOD), 7))
def test_the_whole_record_after_a_torn_one_counts(at: int) -> None:
    assert salvage(GOOD[:at] + GOOD) == (salvage(GOOD)[0], ["torn"])


def test_two_whole_records_on_one_line_both_count() -> None:
    batch = read_batch(GOOD + GOOD + b"\n\n")
    assert len(batch.records) == 2
    assert batch.rejected == {"empty": 1}


def test_a_record_quoted_inside_another_does_not_count() -> None:
    quoting = line("provider-failed", error=GOOD.decode(), provider="a").rstrip()
    assert salvage(quoting[:-5]) == ([], ["json"])
    records, wrong = salvage(quoting[:-5] + quoting)
    assert ([record.msg for record in records], wrong) == (["provider-failed"], ["torn"])


def test_nul_bytes_around_a_record_are_skipped_and_counted() -> None:
    batch = read_batch(GOOD + b"\n\0\0" + GOOD + b"\0\n")
    assert (len(batch.records), batch.rejected, batch.nul_bytes) == (2, {"nul": 1}, 3)


@pytest.mark.parametrize("at", range(1, len(GOOD), 5))
@pytest.mark.parametrize("nul_bytes", [1, 4096])
def test_the_halves_of_two_lines_around_nul_bytes_are_never_joined(at: int, nul_bytes: int) -> None:
    other = tried("other", writer="v", seq=9).rstrip()
    records, defects = salvage(GOOD[:at] + b"\0" * nul_bytes + other[at:])
    assert records == []
    assert defects[0] == "nul"
    assert len(defects) > 1


def test_whole_records_before_and_after_nul_bytes_count() -> None:
    half = GOOD[:20]
    records, defects = salvage(GOOD + b"\0" * 9 + half + b"\0" * LINE_BYTES_MAX + GOOD)
    assert (len(records), defects) == (2, ["nul", "json"])


def test_a_configuration_is_not_joined_over_nul_bytes() -> None:
    startup = line("coderouter-startup", version="1").rstrip()
    assert len(configuration_events(b"\0" + startup + b"\0\n")) == 1
    assert configuration_events(startup[:-4] + b"\0\0" + startup[-4:] + b"\n") == []


def test_a_run_of_nul_bytes_is_skipped_once_its_end_is_known() -> None:
    waiting, _ = cut(b"\0" * 9, skipping=False)
    assert (waiting.data, waiting.bytes_read) == (b"", 0)
    long, skipping = cut(b"\0" * READ_BYTES_MAX, skipping=False)
    assert (long.data, long.bytes_read, long.nul_bytes, skipping) == (
        b"",
        READ_BYTES_MAX,
        READ_BYTES_MAX,
        False,
    )
    ended, _ = cut(b"\0" * 9 + b"a\nb", skipping=False)
    assert (ended.data, ended.bytes_read, ended.nul_bytes) == (b"a\n", 11, 9)


def test_values_of_other_types_become_text_or_nothing() -> None:
    record = read_line(line("try-provider", provider=7, stream="yes", seq=True))
    assert isinstance(record, Record)
    assert (record.provider, record.stream, record.seq) == ("7", None, None)
    failed = read_line(line("provider-failed", status="503"))
    degraded = read_line(line("capability-degraded", dropped=["a", 1, None]))
    assert isinstance(failed, Record)
    assert isinstance(degraded, Record)
    assert failed.status is None
    assert degraded.dropped == ["a", "1", ""]


def test_a_line_of_the_maximum_length_is_read() -> None:
    longest = line("try-provider", provider="p", padding="")
    longest = longest.replace(
        b'"padding": ""', b'"padding": "%s"' % (b"x" * (LINE_BYTES_MAX - len(longest) + 1))
    )
    assert len(longest) == LINE_BYTES_MAX + 1
    assert len(read_batch(longest).records) == 1


def test_only_whole_lines_are_cut_off() -> None:
    assert cut(b"a\nb\nc", skipping=False)[0].data == b"a\nb\n"
    assert cut(b"abc", skipping=False)[0].bytes_read == 0


def test_a_line_longer_than_a_read_is_skipped_and_counted_once() -> None:
    first, skipping = cut(b"x" * READ_BYTES_MAX, skipping=False)
    assert (first.data, first.bytes_read, first.oversize, skipping) == (b"", READ_BYTES_MAX, 0, True)
    more, skipping = cut(b"x" * 10, skipping=skipping)
    assert (more.data, more.bytes_read, more.oversize, skipping) == (b"", 10, 0, True)
    last, skipping = cut(b"x\ngood\n", skipping=skipping)
    assert (last.data, last.bytes_read, last.oversize, skipping) == (b"", 2, 1, False)


def test_a_time_without_zone_is_local_as_in_coderouter_1_7(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unix_time("1970-01-01T00:00:01.500Z") == 1.5
    assert unix_time("1970-01-01T09:00:01+09:00") == 1.0
    assert unix_time("yesterday") is None
    local, with_millis = unix_time("2026-11-23T19:16:58"), unix_time("2026-11-23T19:16:58,250")
    assert local is not None
    assert with_millis == local + 0.25


def nested(depth: int, opening: bytes, closing: bytes, **fields: Any) -> bytes:
    """Return a line with a value that is nested this deep, in a field nobody reads."""
    return tried(**fields).rstrip(b"}\n") + b',"deep":' + opening * depth + b"1" + closing * depth + b"}"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"[\\"":', b"}]")])
@pytest.mark.parametrize("depth", [10, 100, 1000, 1500, 6000])
def test_a_field_nested_however_deep_is_skipped_as_any_other(
    depth: int, opening: bytes, closing: bytes
) -> None:
    line = nested(depth, opening, closing, writer="w", seq=1)
    if len(line) <= LINE_BYTES_MAX:
        batch = read_batch(line + b"\n" + tried(writer="w", seq=2))
        assert [(record.provider, record.seq) for record in batch.records] == [("local", 1), ("local", 2)]
        assert not batch.rejected


@pytest.mark.parametrize("field", ["provider", "error", "seq", "duration_s", "dropped", "writer", "ts"])
@pytest.mark.parametrize("depth", [500, 1000, 30_000])
def test_a_deeply_nested_value_in_any_field_spoils_no_other_line(field: str, depth: int) -> None:
    deep = b'{"ts":"2026-11-23T19:16:58Z","msg":"provider-failed","%b":%b}' % (
        field.encode(),
        b"[" * depth + b"]" * depth,
    )
    records = read_batch(deep + b"\n" + tried(writer="w", seq=2)).records
    assert [record.seq for record in records if record.writer == "w"] == [2]


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 60_000,
        b"]" * 60_000,
        b'{"ts":' * 10_000,
        b'{"ts":"x","msg":"try-provider","x":' + b"[" * 50_000 + b"}",
        b'{"x":' + b"[" * 100 + b'"' + b'\\"' * 30_000,
        b'{"x":' + b"[" * 100 + b'"' + b'\\"' * 20_000 + b"\\",
    ],
)
def test_brackets_that_do_not_match_are_not_json(line: bytes) -> None:
    records, defects = salvage(line)
    assert (records, defects) == ([], ["json"])


def test_configurations_nested_deep_are_read() -> None:
    deep = nested(5000, b"[", b"]").replace(b"try-provider", b"coderouter-startup")
    assert [fields["msg"] for fields in configuration_events(deep)] == ["coderouter-startup"]


@pytest.mark.parametrize("msg", [b"[]", b"{}", b"[[1]]", b"5", b"null", b"true"])
def test_a_configuration_is_found_behind_a_record_whose_name_is_no_text(msg: bytes) -> None:
    configuration = b'{"ts":"2026-11-24T09:00:15.000Z","msg":"config-reloaded","version":"2"}'
    torn = b'{"ts":"2026-11-24T09:00:14.000Z","msg":%b}' % msg
    [found] = configuration_events(torn + configuration + b"\n")
    assert found["version"] == "2"


@pytest.mark.parametrize(
    "data",
    [
        b'{"msg":"try-provider","a":\n{"b":1}}{"msg":"try-provider"}\n',
        b'{"msg":"try-provider","a":{}\n}{"msg":"try-provider"}\n',
        b'{"msg":"try-provider","a":[{}\n,{}]}{"msg":"try-provider"}\n',
    ],
)
def test_a_record_over_two_lines_is_none_even_if_the_second_line_holds_another(data: bytes) -> None:
    batch = read_batch(data)
    assert sum(batch.rejected.values()) > 0
    assert len(batch.records) < 2


def test_an_unknown_event_or_a_wrong_value_changes_no_other_record() -> None:
    known = [tried(writer="w", seq=1), tried(writer="w", seq=2)]
    others = [
        line("of-tomorrow", writer="w", seq=7, provider={}),
        line("try-provider", writer="w", seq=8, provider=9),
    ]
    batch = read_batch(known[0] + others[0] + others[1] + known[1])
    assert [(record.msg, record.seq, record.provider) for record in batch.records] == [
        ("try-provider", 1, "local"),
        ("", 7, None),
        ("try-provider", 8, "9"),
        ("try-provider", 2, "local"),
    ]
    assert not batch.rejected


def test_a_line_that_is_too_long_is_skipped_wherever_it_is() -> None:
    for before in range(0, 9, 3):
        long = line("try-provider", padding="x" * LINE_BYTES_MAX)
        batch = read_batch(tried() * before * 40 + long + tried() * 400)
        assert (len(batch.records), batch.rejected) == (before * 40 + 400, {"oversize": 1})


def test_configurations_are_found_in_order() -> None:
    events = [
        "config-reloaded",
        "coderouter-startup",
        "config-reloaded",
        "config-reloaded",
        "coderouter-startup",
    ]
    lines = [part for event in events for part in (tried(), line(event))]
    for data in (b"".join(lines), b"".join(lines[1:])[:-1]):
        assert [fields["msg"] for fields in configuration_events(data)] == events
    assert configuration_events(tried()) == []
