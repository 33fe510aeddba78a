"""A provider is killed in mid-conversation: the session stays with the next one for its minutes, and then returns."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.events import read
from support.processes import eventually
from support.proxy import killable
from support.proxy.killable import HOLD
from support.proxy.process import Proxy, config, provider, serving

BRIEF_MINUTES = 0.01
REQUESTS_MAX = 200


class Client:
    def __init__(self, proxy: Proxy, workers: int) -> None:
        self._proxy = proxy
        self._workers = workers

    def answered_by(self, session: str, profile: str = "default") -> str:
        response = self._proxy.chat({"X-Session-Id": session, "X-CodeRouter-Profile": profile}).rest()
        assert response.status == 200
        assert response.json["choices"][0]["message"]["content"] == response.headers["x-coderouter-provider"]
        return response.headers["x-coderouter-provider"]

    def is_always_answered_by(self, name: str, session: str) -> None:
        """Send requests of the session until each worker has got one."""
        since = len(read(self._proxy.events_path, "request-finished"))
        for _ in range(REQUESTS_MAX):
            assert self.answered_by(session) == name
            finished = read(self._proxy.events_path, "request-finished")[since:]
            if len({event["writer"] for event in finished}) == self._workers:
                return
        raise AssertionError("one worker got all")


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_a_session_stays_with_the_second_provider_and_returns_to_the_first_after_its_minutes(
    options: Sequence[str], tmp_path: Path
) -> None:
    workers = 2 if options else 1
    with killable.serving("first", "second", "cloud") as providers:
        entries = [provider(each.name, each.base_url) for each in providers]
        entries[-1]["paid"] = True
        text = config(entries, allow_paid=True)
        profiles = text["profiles"]
        assert isinstance(profiles, list)
        profiles.append({**profiles[0], "name": "brief", "affinity": {"minutes": BRIEF_MINUTES}})
        with serving(tmp_path, text, *options) as proxy:
            client = Client(proxy, workers)
            first, second, _ = providers
            eventually(lambda: len(read(proxy.events_path, "coderouter-startup")) == workers)
            client.is_always_answered_by("first", "one")

            broken = proxy.chat({"X-Session-Id": "one"}, stream=True, user=HOLD)
            broken.read_past(b"first")
            first.kill()
            assert b"upstream_failed_midstream" in broken.rest().body
            client.is_always_answered_by("second", "one")
            assert client.answered_by("two", "brief") == "second"

            first.start()
            client.is_always_answered_by("second", "one")
            client.is_always_answered_by("first", "another")
            time.sleep(BRIEF_MINUTES * 60 + 0.1)
            assert client.answered_by("two", "brief") == "first"

            first.kill()
            second.kill()
            client.is_always_answered_by("cloud", "one")
            first.start()
            client.is_always_answered_by("first", "one")
            assert proxy.command.stop() == 0
