"""The protobuf format has the same totals as the text format, and native buckets of the same observations."""

import math
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from coderouter_exporter.families import processes, proxy
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.protobuf import wire
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from exporter.fold.events import folded, view
from support.exporter.golden import EVENTS_2
from support.exporter.process import line, samples
from support.prometheus import protobuf
from support.prometheus.protobuf import Metric, families

DURATION = proxy.PROVIDER_DURATION.name
COUNTER, GAUGE, HISTOGRAM = 0, 1, 4


def answered(duration_s: float, provider: str = "p", **fields: object) -> bytes:
    return line("provider-ok", provider=provider, stream=True, duration_s=duration_s, **fields)


def shown(state: State) -> dict[str, tuple[str, int, list[Metric]]]:
    return families(render(view(state), Format.PROTOBUF))


def durations(state: State) -> dict[str, Metric]:
    """Return the histograms of how long providers took, by provider."""
    return {metric.labels["provider"]: metric for metric in shown(state)[DURATION][2]}


def without_native(state: State) -> State:
    """Return the state as a version without native buckets has stored it."""
    stored = msgspec.msgpack.decode(state.encode(), strict=False)
    stored.pop("native_ts")
    for histogram in stored["observed"].values():
        for series in histogram.values():
            series.pop("native")
            series.pop("before")
    return State.decode(msgspec.msgpack.encode(stored))


def test_it_has_the_samples_of_the_text_format() -> None:
    state = fold_files([EVENTS_2])
    at = View(state=state, now_ts=state.last_event_ts)
    expected = samples(render(at, Format.TEXT).decode())
    found: dict[tuple[str, tuple[str, ...]], float] = {}
    for name, (_, kind, metrics) in families(render(at, Format.PROTOBUF)).items():
        for metric in metrics:
            if kind == HISTOGRAM:
                found |= classic(name, metric)
            else:
                found[name, values(metric.labels)] = metric["value"]
    assert found == expected


def classic(name: str, metric: Metric) -> dict[tuple[str, tuple[str, ...]], float]:
    found = {
        (f"{name}_count", values(metric.labels)): metric["sample_count"],
        (f"{name}_sum", values(metric.labels)): metric["sample_sum"],
    }
    for bucket in metric.fields["bucket"]:
        [bound], [count] = bucket["upper_bound"], bucket["cumulative_count"]
        le = str(floatToGoString(bound))  # type: ignore[no-untyped-call]
        found[f"{name}_bucket", values(metric.labels | {"le": le})] = count
    return found


def values(labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(value for _, value in sorted(labels.items()))


def test_each_family_has_help_and_type() -> None:
    found = shown(State(created_ts=1.0))
    text, kind, _ = found[proxy.COST.name]
    assert (text, kind) == (proxy.COST.help, COUNTER)
    assert found[processes.UP.name][1] == GAUGE
    assert found[DURATION][1] == HISTOGRAM


@given(st.lists(st.integers(0, 10**9), min_size=1), st.data())
def test_an_observation_is_in_the_native_bucket_of_its_bounds(
    numbers: list[int], data: st.DataObject
) -> None:
    lines = [answered(number / 1e6) for number in numbers]
    cut_at = data.draw(st.integers(0, len(lines)))
    [metric] = durations(folded(*lines[cut_at:], state=folded(*lines[:cut_at]))).values()
    expected = Counter(bucket_of(number / 1e6) for number in numbers if number)
    assert {bucket: count for bucket, count in metric.native.items() if count} == expected
    assert metric["zero_count"] == numbers.count(0)
    assert metric["sample_count"] == len(numbers)
    assert metric["schema"] == 3
    assert 0 < metric["zero_threshold"] < 1e-6


def bucket_of(value: float) -> int:
    """Return `i` with 2^((i-1)/8) < value <= 2^(i/8)."""
    near = round(math.log2(value) * 8)
    [found] = [i for i in range(near - 2, near + 3) if 2 ** ((i - 1) / 8) < value <= 2 ** (i / 8)]
    return found


@pytest.mark.parametrize(
    ("value", "bucket"), [(1.0, 0), (1.000001, 1), (2.0, 8), (0.5, -8), (0.000001, -159)]
)
def test_a_bound_belongs_to_the_bucket_below_it(value: float, bucket: int) -> None:
    [metric] = durations(folded(answered(value))).values()
    assert metric.native == {bucket: 1}


def test_few_empty_buckets_are_written_and_many_end_a_span() -> None:
    [metric] = durations(folded(answered(1.0), answered(1.25), answered(500.0))).values()
    assert [(span["offset"], span["length"]) for span in metric.fields["positive_span"]] == [
        ([0], [4]),
        ([68], [1]),
    ]
    assert metric.native == {0: 1, 1: 0, 2: 0, 3: 1, 72: 1}


def test_counters_and_histograms_have_their_start_time() -> None:
    state = folded(answered(1.0), state=State(created_ts=1764115200.25))
    [metric] = durations(state).values()
    assert metric.start_ts == 1764115200.25
    [outcome, *_] = shown(state)[proxy.PROVIDER_OUTCOMES.name][2]
    assert outcome.start_ts == 1764115200.25


def test_a_bucket_has_its_exemplar() -> None:
    ts = "2026-11-25T12:00:00.000Z"
    state = folded(answered(0.3, request_id="req_1", ts=ts))
    at = View(state=state, now_ts=state.last_event_ts)
    [metric] = families(render(at, Format.PROTOBUF))[DURATION][2]
    [exemplar] = [found for bucket in metric.fields["bucket"] for found in bucket.get("exemplar", [])]
    assert protobuf.labels(exemplar["label"]) == {"request_id": "req_1"}
    assert exemplar["value"] == [0.3]
    assert protobuf.timestamp(exemplar["timestamp"][0]) == state.last_event_ts


def test_native_buckets_begin_at_0_when_an_older_state_is_loaded() -> None:
    older = folded(answered(0.3, request_id="req_1"), answered(5.0), state=State(created_ts=100.0))
    state = without_native(older)
    state.begin_native(200.0)
    [metric] = durations(state).values()
    assert (metric["sample_count"], metric["sample_sum"], metric.start_ts) == (0, 0.0, 200.0)
    assert not metric.native
    assert not any("exemplar" in bucket for bucket in metric.fields["bucket"])


def test_a_message_never_has_classic_counts_that_its_native_buckets_lack() -> None:
    state = without_native(folded(answered(0.3), answered(5.0), state=State(created_ts=100.0)))
    state.begin_native(200.0)
    state = State.decode(state.encode())
    folded(answered(0.3), answered(0.7, provider="new"), state=state)
    found = durations(state)
    assert found["p"].native == {bucket_of(0.3): 1}
    assert found["p"]["sample_sum"] == 0.3
    for metric in found.values():
        classic_count = metric.fields["bucket"][-1]["cumulative_count"]
        assert classic_count == [metric["sample_count"]] == [sum(metric.native.values())]
    assert found["new"].start_ts == 100.0
    assert samples(render(view(state), Format.TEXT).decode())[f"{DURATION}_count", ("p",)] == 3


def test_native_buckets_begin_once() -> None:
    state = folded(answered(0.3), state=State(created_ts=100.0))
    state.begin_native(100.0)
    folded(answered(0.3), state=state)
    before = render(view(state), Format.PROTOBUF)
    state.begin_native(300.0)
    assert render(view(state), Format.PROTOBUF) == before


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"), (-1, b"\xff" * 9 + b"\x01")],
)
def test_a_varint_is_in_base_128(number: int, encoded: bytes) -> None:
    assert wire.varint(number) == encoded


@pytest.mark.parametrize(("number", "encoded"), [(0, 0), (-1, 1), (1, 2), (-159, 317), (1 << 40, 1 << 41)])
def test_a_signed_number_is_in_zigzag(number: int, encoded: int) -> None:
    assert wire.signed(1, number) == wire.integer(1, encoded)
