import re
import signal
import threading
from pathlib import Path
from signal import Signals

import pytest

from support.events import read
from support.processes import eventually
from support.proxy import client
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving
from support.proxy.upstream import HANG, Pause, Provider, Upstream, stream

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


def one_provider(a: Provider) -> dict[str, object]:
    return config([provider("a", a.base_url)])


def test_keys_of_coderouter_2_are_one_warning_and_a_skipped_provider_is_another(tmp_path: Path) -> None:
    text = (
        "providers:\n- {name: echo, kind: echo}\n- {name: agent, kind: agent_cli, model: x}\n"
        "profiles:\n- name: default\n  providers: [agent, echo]\n  adaptive: true\n  backend_health_action: demote\n"
        "audit_log: active\n"
    )
    with serving(tmp_path, text) as proxy:
        assert proxy.chat().rest().status == 200
        assert proxy.command.stop() == 0
        lines = [line for line in proxy.command.stderr.splitlines() if "WARNING" in line.upper()]
    [summary, skipped] = lines
    assert "has 4 settings of CodeRouter 2.x: 1 near, 3 no effect (lines 3, 7, 8, 9)" in summary
    assert "`coderouter check-config` lists them" in summary
    assert "providers.yaml:3: providers[1].kind: no effect: provider 'agent' is skipped" in skipped


def test_the_first_and_the_last_line_describe_the_process(tmp_path: Path) -> None:
    cloud = provider("cloud", "https://user:pw@cloud.example/v1", paid=True)
    chains = {"default": ["cloud", "echo", "ghost"], "other": ["echo"]}
    text = config([cloud, ECHO], chains, display_timezone="Asia/Tokyo", mode_aliases={"fast": "other"})
    with serving(tmp_path, text, "--mode", "fast") as proxy:
        assert proxy.chat().rest().status == 200
        assert proxy.command.stop() == 0
        stderr = proxy.command.stderr

    startup, heartbeat, *_, shutdown = read(proxy.events_path)
    assert {name: startup[name] for name in list(startup)[6:]} == {
        "version": "2.0.0",
        "providers": ["cloud", "echo"],
        "profiles": ["default", "other"],
        "default_profile": "other",
        "allow_paid": False,
        "mode_source": "flag",
        "display_timezone": "Asia/Tokyo",
        "catalog": [
            {
                "name": "cloud",
                "kind": "openai_compat",
                "model": "cloud-model",
                "paid": True,
                "base_url": "https://cloud.example/v1",
                "monthly_budget_usd": None,
            },
            {
                "name": "echo",
                "kind": "echo",
                "model": "echo",
                "paid": False,
                "base_url": "",
                "monthly_budget_usd": None,
            },
        ],
        "chains": chains,
        "ended_writers": {},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", startup["ts"])
    assert (heartbeat["msg"], heartbeat["in_flight"]) == ("proxy-heartbeat", 0)
    assert heartbeat["rss_bytes"] > 10_000_000
    assert (shutdown["msg"], shutdown["reason"]) == ("coderouter-shutdown", "SIGTERM")
    assert "profile 'default' names the provider 'ghost', which is not configured; it is skipped" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_running_stream_is_finished_before_the_process_ends(
    signum: Signals, tmp_path: Path, upstream_server: Upstream, a: Provider
) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))
    with serving(tmp_path, one_provider(a)) as proxy:
        exchange = proxy.chat(stream=True)
        exchange.read_until(says.text("Hello"))

        proxy.command.signal(signum)
        eventually(lambda: refuses(proxy))
        pause.go()

        assert exchange.rest().body.endswith(says.DONE)
        assert proxy.command.wait() == 0

    finished, shutdown = read(proxy.events_path)[-2:]
    assert (finished["msg"], finished["outcome"]) == ("request-finished", "ok")
    assert (shutdown["msg"], shutdown["reason"]) == ("coderouter-shutdown", signum.name)


def refuses(proxy: Proxy) -> bool:
    try:
        proxy.get("/healthz")
    except ConnectionError:
        return True
    return False


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path, a: Provider) -> None:
    a.plays(stream(says.text("Hello"), HANG))
    with serving(tmp_path, one_provider(a)) as proxy:
        exchange = proxy.chat(stream=True)
        exchange.read_until(says.text("Hello"))

        proxy.command.signal(signal.SIGINT)
        eventually(lambda: refuses(proxy))
        proxy.command.signal(signal.SIGINT)

        assert proxy.command.wait() == 0
        exchange.disconnect()


def test_two_workers_are_two_writers_of_one_file(tmp_path: Path) -> None:
    with serving(tmp_path, config([ECHO]), "--workers", "2") as proxy:
        eventually(lambda: len(read(proxy.events_path, "coderouter-startup")) == 2)

        def ask() -> None:
            for _ in range(50):
                assert proxy.chat().rest().status == 200

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert proxy.command.stop() == 0
        assert "Traceback" not in proxy.command.stderr

    events = read(proxy.events_path)
    writers = {event["writer"] for event in events}
    assert len(writers) == 2
    for writer in writers:
        own = [event for event in events if event["writer"] == writer]
        assert [event["seq"] for event in own] == list(range(1, len(own) + 1))
        assert (own[0]["msg"], own[-1]["msg"]) == ("coderouter-startup", "coderouter-shutdown")
    for msg in ("try-provider", "provider-ok", "request-finished"):
        assert sum(event["msg"] == msg for event in events) == 200


def test_without_a_file_for_events_requests_continue(tmp_path: Path) -> None:
    with serving(tmp_path, config([ECHO]), events_path=Path("off")) as proxy:
        assert proxy.chat().rest().status == 200
        assert proxy.command.stop() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["providers.yaml"]


def test_a_file_for_events_that_cannot_be_written_stops_no_request(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    with serving(tmp_path, config([ECHO]), events_path=tmp_path / "events") as proxy:
        assert proxy.chat().rest().status == 200
        proxy.command.wait_for_output("cannot append to .*events .*requests continue")
        assert proxy.command.stop() == 0


def test_keys_come_from_env_files(tmp_path: Path, upstream_server: Upstream, a: Provider) -> None:
    a.plays(says.answer())
    (tmp_path / "keys.env").write_text("# keys\nexport A_KEY='from the file'\nOTHER=x\n")
    text = config([provider("a", a.base_url, api_key_env="A_KEY")])
    options = ("--env-file", "keys.env", "--env-file-override")
    with serving(tmp_path, text, *options, env={"A_KEY": "from outside"}) as proxy:
        assert proxy.chat().rest().status == 200
        assert "from the file" not in proxy.command.stderr
    assert a.request.headers["authorization"] == "Bearer from the file"


def test_without_a_providers_yaml_the_built_in_one_is_served_and_logged(tmp_path: Path) -> None:
    with serving(tmp_path, None) as proxy:
        proxy.command.wait_for_output(r"configured by the built-in configuration \(no providers.yaml found\)")
        assert proxy.get("/healthz").json["providers"] == ["ollama", "echo"]


def test_health_shows_what_is_configured_and_tries_no_provider(
    served: Proxy, a: Provider, upstream_server: Upstream
) -> None:
    seen = upstream_server.connections
    health = served.get("/healthz")
    assert health.status == 200
    assert (health.json["status"], health.json["version"], health.json["allow_paid"]) == (
        "ok",
        "2.0.0",
        False,
    )
    assert health.json["providers"][:3] == ["a", "b", "c"]
    assert a.requests == []
    assert upstream_server.connections == seen


def test_the_root_names_the_addresses_to_programs_and_people(served: Proxy) -> None:
    named = served.get("/").json
    assert (named["name"], named["version"]) == ("coderouter", "2.0.0")
    page = client.request(served.port, "GET", "/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/models", "/healthz"):
        assert path in named["addresses"]
        assert f"<code>{path}</code>" in page.body.decode()
    probe = client.request(served.port, "HEAD", "/")
    assert (probe.status, probe.body) == (200, b"")
    assert client.request(served.port, "HEAD", "/v1/models").status == 200


def test_models_have_the_openai_shape(served: Proxy) -> None:
    models = served.get("/v1/models").json
    assert models["object"] == "list"
    assert set(models["data"][0]) == {"id", "object", "created", "owned_by"}
    assert models["data"][0]["created"] > 1_700_000_000
