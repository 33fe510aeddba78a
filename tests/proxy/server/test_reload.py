"""SIGHUP reloads the configuration: later requests get the new one, in-flight requests keep theirs."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from support.events import Event, read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy, serving, workers_of, write_config
from support.proxy.upstream import Pause, Provider

BROKEN = """\
default_profile: coding
providers:
  - name: a
    base_url: http://user:pa55word@host:99999/v1
    model: m
    timeout_s: 0
profiles:
  - {name: default, providers: [a]}
"""


def asking(provider: Provider, **more: Any) -> dict[str, object]:
    name = provider.base_url.rsplit("/", 2)[1]
    return process.config([process.provider(name, provider.base_url)], **more)


def answers(served: Proxy) -> str:
    """Return the name of the provider that answers now."""
    return str(served.finished(served.chat().rest().request_id)["provider"])


def reloaded(served: Proxy, *names: str) -> list[Event]:
    return read(served.events_path, *(names or ("config-reloaded", "config-reload-failed")))


def test_a_new_file_is_used_and_an_event_written(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.plays(*[says.answer()] * 2)
    b.plays(*[says.answer()] * 2)
    with serving(tmp_path, asking(a)) as served:
        assert answers(served) == "a"
        write_config(tmp_path, asking(b, mode_aliases={"fast": "default"}, allow_paid=True))
        served.command.signal(signal.SIGHUP)
        [event] = eventually(lambda: reloaded(served))
        assert answers(served) == "b"
        assert served.get("/healthz").json["providers"] == ["b"]
        served.command.wait_for_output("reloaded .*providers.yaml")
        assert served.command.stop() == 0
    startup, *_, shutdown = read(served.events_path)
    fields = {name: value for name, value in event.items() if name not in ("ts", "msg", "seq")}
    assert event["msg"] == "config-reloaded"
    assert fields == {
        **{name: startup[name] for name in fields},
        "providers": ["b"],
        "allow_paid": True,
        "chains": {"default": ["b"]},
        "catalog": [{**startup["catalog"][0], "name": "b", "model": "b-model", "base_url": b.base_url}],
    }
    assert shutdown["writer"] == startup["writer"], "the process is still the same"


def test_an_invalid_file_keeps_the_old_one_and_every_error_is_logged(tmp_path: Path, a: Provider) -> None:
    a.plays(*[says.answer()] * 3)
    with serving(tmp_path, asking(a)) as served:
        write_config(tmp_path, BROKEN)
        served.command.signal(signal.SIGHUP)
        [event] = eventually(lambda: reloaded(served))
        assert (event["msg"], event["level"]) == ("config-reload-failed", "ERROR")
        url = "'http://***@host:99999/v1' is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1"
        assert [error.partition("providers.yaml:")[2] for error in event["faults"]] == [
            "1: default_profile: there is no profile 'coding'; known profiles: default",
            f"4: providers[0].base_url: {url}",
            "6: providers[0].timeout_s: is 0: should be greater than 0",
        ]
        served.command.wait_for_output("the configuration is invalid; keeping the previous one:\n")
        for error in event["faults"]:
            assert error in served.command.stderr
        assert "pa55word" not in served.command.stderr + served.events_path.read_text()
        assert answers(served) == "a"

        (tmp_path / "providers.yaml").unlink()
        served.command.signal(signal.SIGHUP)
        eventually(lambda: len(reloaded(served, "config-reload-failed")) == 2)
        assert answers(served) == "a"

        write_config(tmp_path, asking(a, allow_paid=True))
        served.command.signal(signal.SIGHUP)
        eventually(lambda: reloaded(served, "config-reloaded"))
        assert answers(served) == "a"


def test_the_mode_of_the_process_is_kept_and_has_to_exist(tmp_path: Path) -> None:
    echo: list[dict[str, object]] = [{"name": "echo", "kind": "echo"}]
    chains = {"default": ["echo"], "coding": ["echo"], "writing": ["echo"]}
    text = process.config(echo, chains, mode_aliases={"fast": "coding"})
    with serving(tmp_path, text, "--mode", "fast") as served:
        write_config(tmp_path, text | {"mode_aliases": {"fast": "writing"}})
        served.command.signal(signal.SIGHUP)
        [event] = eventually(lambda: reloaded(served))
        assert (event["default_profile"], event["mode_source"]) == ("writing", "flag")

        write_config(tmp_path, text | {"mode_aliases": {}})
        served.command.signal(signal.SIGHUP)
        [event] = eventually(lambda: reloaded(served, "config-reload-failed"))
        known = "default, coding, writing"
        assert event["faults"] == [f"there is no mode or profile 'fast'; there are {known}"]


def test_a_running_stream_finishes_on_the_configuration_it_started_with(
    tmp_path: Path, a: Provider, b: Provider
) -> None:
    pause = Pause()
    a.plays(says.streamed("<thi", pause, "nk>Hm.</think>Hello."))
    b.plays(says.answer())
    before = asking(a)
    before["providers"] = [process.provider("a", a.base_url, output_filters=["strip_thinking"])]
    with serving(tmp_path, before) as served:
        exchange = served.chat(stream=True)
        assert pause.reached.wait(30)
        write_config(tmp_path, asking(b))
        served.command.signal(signal.SIGHUP)
        eventually(lambda: reloaded(served))
        assert answers(served) == "b"
        pause.go()
        streamed = exchange.rest()
        assert streamed.body.endswith(says.DONE)
        assert b"Hello." in streamed.body
        assert b"think" not in streamed.body
        assert served.finished(streamed.request_id)["provider"] == "a"


def test_client_keys_are_those_of_the_new_file(tmp_path: Path) -> None:
    echo: list[dict[str, object]] = [{"name": "echo", "kind": "echo"}]
    env = {"OLD_KEYS": "old-key", "NEW_KEYS": "new-key"}
    text = process.config(echo, server={"api_keys_env": "OLD_KEYS"})
    with serving(tmp_path, text, env=env) as served:
        assert served.chat({"x-api-key": "old-key"}).rest().status == 200
        write_config(tmp_path, text | {"server": {"api_keys_env": "NEW_KEYS"}})
        served.command.signal(signal.SIGHUP)
        eventually(lambda: reloaded(served))
        assert served.chat({"x-api-key": "old-key"}).rest().status == 401
        assert served.chat({"x-api-key": "new-key"}).rest().status == 200

        write_config(tmp_path, text | {"server": {"api_keys_env": "NO_SUCH_KEYS"}})
        served.command.signal(signal.SIGHUP)
        [event] = eventually(lambda: reloaded(served, "config-reload-failed"))
        assert "the variable NO_SUCH_KEYS is empty or not set" in event["faults"][0]
        assert served.chat({"x-api-key": "new-key"}).rest().status == 200


def test_capability_rules_of_the_user_are_reloaded_as_well(tmp_path: Path, a: Provider) -> None:
    a.plays(*[says.thoughtful("Hm.", "Hello.")] * 2)
    path = tmp_path / ".coderouter" / "model-capabilities.yaml"
    path.parent.mkdir()
    with serving(tmp_path, asking(a)) as served:
        assert "reasoning_content" not in served.chat().rest().json["choices"][0]["message"]
        path.write_text("rules: [{match: a-model, capabilities: {reasoning_passthrough: true}}]\n")
        served.command.signal(signal.SIGHUP)
        eventually(lambda: reloaded(served))
        assert served.chat().rest().json["choices"][0]["message"]["reasoning_content"] == "Hm."


def test_a_signal_to_the_parent_reaches_every_worker(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.plays(*[says.answer()] * 9)
    b.plays(*[says.answer()] * 60)
    with serving(tmp_path, asking(a), "--workers", "2") as served:
        startups = eventually(lambda: _two(served, "coderouter-startup"))
        assert answers(served) == "a"
        write_config(tmp_path, asking(b))
        served.command.signal(signal.SIGHUP)
        events = eventually(lambda: _two(served, "config-reloaded"))
        assert {event["writer"] for event in events} == {event["writer"] for event in startups}
        assert {answers(served) for _ in range(10)} == {"b"}

        write_config(tmp_path, BROKEN)
        served.command.signal(signal.SIGHUP)
        eventually(lambda: _two(served, "config-reload-failed"))
        assert {answers(served) for _ in range(10)} == {"b"}
        assert served.command.stop() == 0


def test_a_worker_that_replaces_a_dead_one_starts_with_the_newest_valid_file(
    tmp_path: Path, a: Provider, b: Provider
) -> None:
    with serving(tmp_path, asking(a), "--workers", "2") as served:
        eventually(lambda: _two(served, "coderouter-startup"))
        write_config(tmp_path, asking(b))
        served.command.signal(signal.SIGHUP)
        eventually(lambda: _two(served, "config-reloaded"))
        write_config(tmp_path, BROKEN)

        os.kill(workers_of(served)[0], signal.SIGKILL)
        startups = eventually(lambda: read(served.events_path, "coderouter-startup")[2:])
        assert startups[0]["providers"] == ["b"]
        assert served.command.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_during_startup_reloads_once_ready_and_ends_nothing(workers: str, tmp_path: Path) -> None:
    with serving(tmp_path, None, "--workers", workers) as served:  # it listens, and is not ready yet
        served.command.signal(signal.SIGHUP)
        eventually(lambda: len(reloaded(served)) == int(workers))
        assert len(read(served.events_path, "coderouter-startup")) == int(workers)
        assert served.command.stop() == 0


def _two(served: Proxy, name: str) -> list[Event]:
    found = read(served.events_path, name)
    return found if len(found) >= 2 else []
