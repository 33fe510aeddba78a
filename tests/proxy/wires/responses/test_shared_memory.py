"""Responses that the workers of a proxy share: any finds those of all, nothing is ever read half or mixed up."""

import json
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.shared_memory.rings import Ring
from coderouter_proxy.wires.responses import shared_memory
from coderouter_proxy.wires.responses.memory import AGE_S_MAX, RESPONSES_MAX
from coderouter_proxy.wires.responses.shared_memory import SharedMemory

Body = dict[str, Any]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def workers(count: int, clock: Clock | None = None) -> list[SharedMemory]:
    """Return the memory as each worker of a proxy sees it."""
    made = shared_memory.for_workers(count)
    assert made is not None
    seen = [SharedMemory(made._memory, clock or Clock()) for _ in range(count)]
    for number, memory in enumerate(seen):
        memory.write_to(number)
    return seen


def response_id(number: int) -> str:
    return f"resp_{number:024x}"


def keep(memory: SharedMemory, number: int, previous: int | None = None, request: bytes = b"{}") -> str:
    item = {"type": "message", "id": f"msg_{number:024x}00"}
    before = None if previous is None else response_id(previous)
    memory.keep(response_id(number), before, request, json.dumps({"output": [item]}).encode(), [item])
    return response_id(number)


def test_a_worker_finds_what_another_has_kept() -> None:
    a, b = workers(2)
    keep(a, 1, request=b'{"input": "1?"}')
    keep(b, 2, previous=1)
    for memory in (a, b):
        chain = memory.chain(response_id(2))
        assert chain is not None
        assert [list(kept.items()) for kept in chain] == [[f"msg_{1:024x}00"], [f"msg_{2:024x}00"]]
        assert (chain[0].previous_id, chain[0].request) == (None, b'{"input": "1?"}')
        found = memory.with_item(f"msg_{1:024x}00")
        assert found == chain[0]
    for missing in ("", "resp_", "resp_x", response_id(3), "msg_1", "é" * 100):
        assert a.response(missing) is None
        assert a.with_item(missing) is None


def test_what_one_worker_deletes_is_gone_for_all() -> None:
    a, b = workers(2)
    keep(a, 1)
    assert b.delete(response_id(1))
    assert a.response(response_id(1)) is None
    assert not a.delete(response_id(1))
    assert not b.delete(response_id(2))


def test_a_replacement_of_a_worker_finds_and_continues_what_is_there() -> None:
    a, b = workers(2)
    keep(a, 1)
    replacement = SharedMemory(a._memory, Clock())
    keep(replacement, 2)
    assert b.response(response_id(1)) is not None
    assert b.response(response_id(2)) is not None


def test_what_is_not_used_for_too_long_is_forgotten() -> None:
    clock = Clock()
    a, b = workers(2, clock)
    for number in range(300):  # those that are overwritten next are not kept alive
        keep(a, number, request=b"x" * 100_000 if number < 250 else b"x")
    clock.now = AGE_S_MAX - 1
    assert b.response(response_id(299)) is not None
    clock.now += AGE_S_MAX - 1
    assert a.response(response_id(299)) is not None
    assert a.response(response_id(298)) is None


def test_the_memory_is_bounded_in_responses_and_bytes() -> None:
    a, b = workers(2)
    for number in range(RESPONSES_MAX):
        keep(a, number)
    for number in range(RESPONSES_MAX):
        assert (b.response(response_id(number)) is not None) == (number >= RESPONSES_MAX // 2)
    assert len(b._known[0].places) == RESPONSES_MAX // 2
    keep(a, 5_000, request=b"x" * (1 << 25))  # more than the worker's half
    assert b.response(response_id(5_000)) is None
    for number in range(6_000, 6_004):
        keep(a, number, request=b"x" * (10 << 20))
    assert [b.response(response_id(number)) is not None for number in range(6_000, 6_004)] == [
        False,
        True,
        True,
        True,
    ]


@given(sizes=st.lists(st.integers(0, 400), max_size=60), size=st.sampled_from([256, 512, 1024]))
def test_a_ring_has_its_newest_records_whole_wherever_they_wrap(sizes: list[int], size: int) -> None:
    memory = memoryview(bytearray(24 + size))
    ring = Ring(memory, 5)
    reader = Ring(memory, 5)
    kept: list[tuple[str, bytes]] = []
    for number, length in enumerate(sizes):
        content = bytes([number]) * length
        ring.append(str(number), content, 0.0)
        if length + 44 <= size:
            kept.append((str(number), content))
        found = [(name, reader.content(at)) for at, name, _ in reader.since(0)]
        assert found == [(name, (content, 0.0)) for name, content in kept[-len(found) or len(kept) :]]
        assert len(found) <= 5
        assert found or not kept


@given(st.binary(max_size=400))
def test_a_damaged_ring_neither_hangs_nor_raises(damage: bytes) -> None:
    memory = memoryview(bytearray(24 + 512))
    ring = Ring(memory, 5)
    for number in range(9):
        ring.append(str(number), bytes(50), 0.0)
    memory[24 : 24 + len(damage)] = damage
    for at, _, _ in ring.since(0):
        ring.content(at)
    ring.append("new", b"content", 1.0)
    assert [ring.content(at) for at, name, _ in ring.since(0) if name == "new"] in ([], [(b"content", 1.0)])


def test_what_is_overwritten_while_it_is_read_is_never_taken_for_whole() -> None:
    memory = memoryview(bytearray(24 + 4096))
    writer, reader = Ring(memory, 50), Ring(memory, 50)
    stopped = threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            writer.append(str(number % 100), bytes([number % 100]) * (number % 900), 0.0)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3_000):
            for at, name, _ in reader.since(0):
                if (found := reader.content(at)) is not None:
                    assert set(found[0]) <= {int(name)}
    finally:
        stopped.set()
        thread.join()


@pytest.mark.parametrize("platform", ["darwin", "freebsd14"])
def test_without_memory_that_has_no_name_there_is_none(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert shared_memory.for_workers(2) is None


def test_a_response_that_a_provider_wrote_is_found_by_its_own_ids_of_any_length() -> None:
    a, b = workers(2)
    ended = json.dumps({"id": "resp_" + "f" * 50, "output": [{"id": "msg_" + "e" * 50}]}).encode()
    a.keep(f"resp_{'f' * 50}", None, b"{}", ended, json.loads(ended)["output"], "api.example.com")
    for memory in (a, b):
        kept = memory.response(f"resp_{'f' * 50}")
        assert kept is not None
        assert (kept.made_by, kept.ended) == ("api.example.com", ended)
        assert memory.with_item(f"msg_{'e' * 50}") == kept
        assert memory.response(f"msg_{'e' * 50}") is None
        assert memory.with_item(f"resp_{'f' * 50}") is None
