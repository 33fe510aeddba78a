"""The installed services of a scratch root, on free ports."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.exporter.process import Exporter
from support.proxy.process import Proxy
from support.scratch import ScratchRoot

EVENTS = "/var/log/coderouter/events.jsonl"


@contextmanager
def running_proxy(root: ScratchRoot, **more: str) -> Iterator[Proxy]:
    with root.service("coderouter", **{"CODEROUTER_PORT": "0", **more}) as command:
        port = int(command.wait_for_output(r"listens on http://\S+:(\d+)")[1])
        yield Proxy(port, command, root.path(EVENTS))


@contextmanager
def running_exporter(root: ScratchRoot, **more: str) -> Iterator[Exporter]:
    with root.service("cr-exporter", **{"CR_EXPORTER_LISTEN": "127.0.0.1:0", **more}) as command:
        yield Exporter(command)
