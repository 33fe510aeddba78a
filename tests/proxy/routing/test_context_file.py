"""What was learnt about contexts is kept in a file that nothing in it, and no other process, can break."""

import asyncio
import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing.context_file import ENTRIES_MAX, Learnt, merge, read
from coderouter_proxy.routing.contexts import Contexts

PROVIDER = Provider(name="p", base_url="http://127.0.0.1:1/v1", model="m")
OTHER = Provider(name="o", base_url="http://127.0.0.1:1/v1", model="o")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 5000, b'{"x": 1}', b'{"x": {"window": 5}}'),
        b'{"x": {"window": 0, "estimated": 1, "reported": 1}}',
        b'{"x": {"window": "9", "estimated": 1, "reported": 1}}',
        b'{"x": {"window": 9, "estimated": 1e-300, "reported": 1e9}}',
        b'{"x": {"window": 9, "estimated": -1, "reported": 1}}',
        b'{"x": {"window": 9, "estimated": 1e300, "reported": 1e300}}',
        b'{"x": {"window": 9, "estimated": null, "reported": 1}}',
    ],
)
def test_what_makes_no_sense_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contexts.json"
    path.write_bytes(content)
    assert read(path) == {}
    assert merge(path, {"a": Learnt(9, 2.0, 3.0)}) == {"a": Learnt(9, 2.0, 3.0)} == read(path)


def test_entries_of_others_stay_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"
    merge(path, {str(number): Learnt(number + 1) for number in range(ENTRIES_MAX)})
    merged = merge(path, {"new": Learnt(7), "3": Learnt(8)})
    assert len(merged) == ENTRIES_MAX
    assert (merged["new"].window, merged["3"].window, "0" in merged, "2" in merged) == (7, 8, False, True)
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert [each.name for each in tmp_path.iterdir()] == ["contexts.json"]


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"
    held = Contexts(path)
    held.read(PROVIDER, 5)
    new = path.with_name("contexts.json.new")
    with new.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            asyncio.run(held.save())
    assert not path.exists()
    asyncio.run(held.save())
    [entry] = json.loads(path.read_bytes()).values()
    assert entry["window"] == 5


def test_processes_learn_ratios_from_each_other_but_not_windows(tmp_path: Path) -> None:
    path = tmp_path / "contexts.json"

    async def learnt() -> tuple[Any, Any]:
        one, two = Contexts(path), Contexts(path)
        one.read(PROVIDER, 4096)
        one.learn(PROVIDER, 4096, 1000, 1500)
        await one.save()
        two.learn(OTHER, 4096, 1000, 800)
        await two.save()
        return two.corrected(PROVIDER, 1000), two.window(PROVIDER, None)

    assert asyncio.run(learnt()) == (1500, None)
    assert Contexts(path).corrected(OTHER, 1000) == 800
    assert Contexts(path).window(PROVIDER, None) is None, "its server may have another one by now"
    assert Contexts(path, earlier_windows=True).window(PROVIDER, None) == 4096


@pytest.mark.parametrize(
    ("samples", "corrected"),
    [
        ([(1000, 1500)], 1500),
        ([(1000, 1500), (1000, 1500)], 1500),
        ([(1000, 1500), (9000, 9000)], 1046),  # what is longer weighs more
        ([(1000, 100)], 1000),  # the server cut the prompt
        ([(1000, 9000)], 1000),
        ([(100, 150)], 1000),  # mostly the chat template
    ],
)
def test_answers_correct_the_estimate(samples: list[tuple[int, int]], corrected: int) -> None:
    contexts = Contexts()
    for estimate, reported in samples:
        contexts.learn(PROVIDER, 100_000, estimate, reported)
    assert contexts.corrected(PROVIDER, 1000) == corrected
