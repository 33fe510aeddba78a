"""What a process does besides answering requests; a failure of one part does not stop the others."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from coderouter_proxy.server.background import background
from support.events import read
from support.proxy import process
from support.proxy.process import serving

TESTS = str(Path(__file__).parents[2])
ON_A_MAC = (sys.executable, "-m", "support.proxy.macos", "serve")


def test_on_a_mac_heartbeat_and_shutdown_are_written(tmp_path: Path) -> None:
    config = process.config([{"name": "echo", "kind": "echo"}])
    with serving(tmp_path, config, env={"PYTHONPATH": TESTS}, program=ON_A_MAC) as served:
        assert served.chat().rest().status == 200
        assert served.command.stop() == 0
        assert "Traceback" not in served.command.stderr
    [heartbeat] = read(served.events_path, "proxy-heartbeat")
    assert 10_000_000 < heartbeat["rss_bytes"] < 10_000_000_000
    assert read(served.events_path)[-1]["msg"] == "coderouter-shutdown"


def test_a_background_task_that_fails_is_logged_with_its_traceback_and_restarted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = [ValueError("only once")]

    async def check() -> None:
        restarted = asyncio.Event()

        async def fails_once() -> None:
            if failures:
                raise failures.pop()
            restarted.set()
            await asyncio.Event().wait()

        async with background(fails_once):
            await restarted.wait()

    asyncio.run(check())
    assert re.search(
        r"a background task failed; it restarts in 1 s\nTraceback.*ValueError: only once",
        caplog.text,
        re.DOTALL,
    )
    assert len(caplog.records) == 1


def test_a_background_task_that_fails_leaves_the_others_alone() -> None:
    async def check() -> None:
        others_run = asyncio.Event()

        async def fails() -> None:
            raise ValueError

        async def works() -> None:
            await asyncio.sleep(0)
            others_run.set()
            await asyncio.Event().wait()

        async with background(fails, works):
            await others_run.wait()

    asyncio.run(check())
