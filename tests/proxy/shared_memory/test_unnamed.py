"""What a worker writes to memory that it shares, its supervisor reads, and no file system has a name for it."""

import sys
from multiprocessing import get_context

import pytest

from coderouter_proxy.shared_memory.unnamed import UnnamedMemory


def write(memory: UnnamedMemory) -> None:
    memory.parts[1][:5] = b"found"


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_a_process_maps_what_another_one_made(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", platform)
        memory = UnnamedMemory(4096, 2)
    worker = get_context("spawn").Process(target=write, args=(memory,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert bytes(memory.parts[1][:5]) == b"found"
    assert not any(memory.parts[0])
