"""Run a real `cr-exporter` on real event files and read what it serves."""

import http.client
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from support.processes import SCRIPTS, Command, clean_environment, running

CR_EXPORTER = SCRIPTS / "cr-exporter"


def line(msg: str, **fields: object) -> bytes:
    """Return an event line; `ts`, `writer` and `seq` may be given among the fields."""
    envelope: dict[str, object] = {
        "ts": "2026-11-23T19:16:58.250Z",
        "level": "INFO",
        "logger": "coderouter",
        "msg": msg,
    }
    return json.dumps(envelope | fields, ensure_ascii=False).encode() + b"\n"


def tried(provider: str = "local", **fields: object) -> bytes:
    return line("try-provider", request_id="r1", provider=provider, stream=False, **fields)


def append(path: Path, *data: bytes) -> None:
    """Append with one write, as the proxy does."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        whole = b"".join(data)
        assert os.write(fd, whole) == len(whole)
    finally:
        os.close(fd)


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the samples of a Prometheus text by name and label values, which are ordered by label name."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Exporter:
    """A running exporter and its address."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.port = int(command.wait_for_output(r"serving http://[\d.]+:(\d+)/metrics").group(1))

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(
                "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def scrape(self) -> dict[tuple[str, tuple[str, ...]], float]:
        response, body = self.get("/metrics")
        assert response.status == 200
        return samples(body.decode())

    def tries(self, provider: str = "local") -> float:
        return self.scrape().get(("coderouter_provider_attempts_total", (provider,)), 0.0)

    def is_ready(self) -> bool:
        return self.get("/-/ready")[0].status == 200

    def not_ready(self) -> str:
        """Return why it is not ready; empty when it is."""
        response, body = self.get("/-/ready")
        return "" if response.status == 200 else body.decode()

    def is_exact(self) -> bool:
        return self.scrape()["cr_exporter_exact", ()] == 1

    def problems(self) -> dict[str, str]:
        """Return by path why what is not readable is not."""
        samples = self.scrape()
        found = {
            path: reason
            for name, (path, *reasons) in ((n, labels) for n, labels in samples if len(labels) == 2)
            if name == "cr_exporter_source_problem"
            for reason in reasons
        }
        assert all(samples["cr_exporter_source_readable", (path,)] == 0 for path in found)
        return found


@contextmanager
def running_exporter(
    *events: Path,
    state: Path,
    listen: str = "127.0.0.1:0",
    options: Sequence[str | Path] = (),
    prefix: Sequence[str] = (),
    **env: str,
) -> Iterator[Exporter]:
    """Start an exporter, on a free port unless `listen` names one; it ends with the block.

    `prefix` is a command that starts it, such as `unprivileged()`.
    """
    paths = [argument for path in events for argument in ("--events", path)]
    arguments = (*paths, "--state", state, "--listen", listen, *options)
    with running(*prefix, CR_EXPORTER, *arguments, env=clean_environment(**env)) as command:
        yield Exporter(command)
