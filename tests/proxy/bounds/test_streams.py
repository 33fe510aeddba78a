"""More streams than the soft limit of open files is enough for are all whole."""

import sys
from pathlib import Path

import pytest

from load.streams import whole_answers
from support.processes import clean_environment, free_port, running
from support.proxy import process
from support.proxy.open_files import limited_to
from support.proxy.process import serving

pytestmark = pytest.mark.slow

TESTS = str(Path(__file__).parents[2])
STREAMS = 300


def test_every_stream_is_whole(tmp_path: Path) -> None:
    port = free_port()
    env = clean_environment(PYTHONPATH=TESTS, LOAD_PAUSE_S="0.1")
    with running(sys.executable, "-m", "load.upstream", str(port), env=env) as upstream:
        upstream.wait_for_port(port)
        config = process.config([process.provider("slow", f"http://127.0.0.1:{port}")], {"slow": ["slow"]})
        with serving(
            tmp_path, {**config, "default_profile": "slow"}, program=limited_to(256, 2048)
        ) as served:
            assert whole_answers(served.port, STREAMS) == STREAMS
