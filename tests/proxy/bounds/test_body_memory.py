"""The bodies of all requests in progress have a bound, and none is read before its key is accepted."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.body_memory import BodyMemory, cgroup_limits
from coderouter_proxy.errors import HttpError
from support.events import read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy, serving
from support.proxy.upstream import Pause, Provider, whole
from support.raw_http import connected, post, post_in_chunks, sent

MIB = 1024 * 1024
PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/messages/count_tokens"]
LARGE = json.dumps(
    {"max_tokens": 9, "input": "x", "messages": [{"role": "user", "content": "x" * 600_000}]}
).encode()


@pytest.fixture
def tight(tmp_path: Path, a: Provider) -> Iterator[Proxy]:
    """A proxy with memory for one of these bodies."""
    config = process.config([process.provider("a", a.base_url)], server={"bodies_mib_max": 1})
    with serving(tmp_path, config) as started:
        yield started


def test_a_body_for_which_there_is_no_memory_gets_a_503_on_its_wire(tight: Proxy, a: Provider) -> None:
    pause = Pause()
    a.plays((pause, *says.answer()), always=whole(says.completion("Hello.")))
    with connected(tight.port) as first:
        first.send(post(LARGE))
        assert pause.reached.wait(30)
        for path in PATHS:
            for refused in (
                sent(tight.port, post(b"", path=path, length=len(LARGE))),
                sent(tight.port, post(LARGE, path=path)),
            ):
                assert refused.status in (503, 529)
                assert refused.headers["retry-after"] == "1"
                message = refused.json["error"]["message"]
                assert message == "the bodies of other requests fill the 1 MiB reserved for bodies; ask again"
        in_chunks = sent(tight.port, post_in_chunks([LARGE[:300_000], LARGE[300_000:]]))
        assert in_chunks.status == 503
        assert sent(tight.port, post(b'{"messages": [{"role": "user", "content": "hi"}]}')).status == 200
        pause.go()
        assert first.answer().status == 200
    eventually(lambda: sent(tight.port, post(LARGE)).status == 200)
    assert tight.command.stop() == 0
    assert sum(event["refused_bodies"] for event in read(tight.events_path, "proxy-heartbeat")) == 9


def test_memory_is_released_whatever_becomes_of_a_body(tight: Proxy, a: Provider) -> None:
    a.plays(always=whole(says.completion("Hello.")))
    for failing in (
        post(LARGE[:-1]),
        post(LARGE, "Content-Encoding: gzip"),
        post(LARGE, "X-CodeRouter-Profile: none"),
        post(LARGE, path="/v1/messages/count_tokens"),
        post_in_chunks([LARGE, LARGE]),
    ):
        sent(tight.port, failing)
    with connected(tight.port) as leaving:
        leaving.send(post(LARGE[:9], length=len(LARGE)))
    eventually(lambda: read(tight.events_path, "request-finished")[-1]["outcome"] == "client_gone")
    for _ in range(3):
        assert sent(tight.port, post(LARGE)).status == 200


def test_a_body_is_not_read_before_its_key_is_accepted(tmp_path: Path) -> None:
    config = process.config([{"name": "echo", "kind": "echo"}], server={"api_keys_env": "CLIENT_KEYS"})
    with serving(tmp_path, config, env={"CLIENT_KEYS": "good"}) as locked:
        for path in PATHS:
            asks = ("Expect: 100-continue", "x-api-key: wrong")
            with connected(locked.port) as connection:
                connection.send(post(b"", *asks, path=path, length=len(LARGE)))
                assert connection.sock.recv(20).startswith(b"HTTP/1.1 401")


def test_a_body_of_any_size_is_taken_while_there_is_no_other() -> None:
    memory = BodyMemory()
    memory.take(10 * MIB, 1)
    with pytest.raises(HttpError):
        memory.take(1, 1)
    memory.release(10 * MIB)
    memory.take(MIB - 1, 1)
    memory.take(1, 1)


def test_workers_share_the_memory() -> None:
    memory = BodyMemory(workers=4)
    memory.take(MIB, 8)
    memory.take(MIB, 8)
    with pytest.raises(HttpError):
        memory.take(1, 8)


def test_limits_of_cgroups_are_found(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("5:cpu,memory:/old/inner\n1:name=systemd:/x\n0::/new/inner\n")
    for name, text in {
        "new/inner/memory.max": "max",
        "new/memory.max": "1000",
        "memory/old/inner/memory.limit_in_bytes": "9223372036854771712",
        "memory/old/memory.limit_in_bytes": "2000",
        "memory/memory.limit_in_bytes": "nonsense",
    }.items():
        path = tmp_path / "mounted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert set(cgroup_limits(own, tmp_path / "mounted")) == {1000, 2000, 9223372036854771712}
    assert list(cgroup_limits(tmp_path / "none", tmp_path)) == []
