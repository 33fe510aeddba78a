"""As many connections as the limit of open files is enough for; the others get a 503 and are counted."""

from contextlib import ExitStack
from pathlib import Path

from support.events import read
from support.exporter.process import running_exporter
from support.processes import eventually
from support.proxy import process
from support.proxy.open_files import limited_to
from support.proxy.process import serving
from support.raw_http import Connection, get, sent

ECHO = process.config([{"name": "echo", "kind": "echo"}])
FILES = 300
CONNECTIONS_MAX = (FILES - 64) // 2


def test_one_connection_too_many_gets_a_503_and_is_counted(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO, program=limited_to(FILES, FILES)) as served, ExitStack() as stack:
        open_ = [Connection(served.port) for _ in range(CONNECTIONS_MAX)]
        for connection in open_:
            stack.callback(connection.close)
            connection.send(get("/"))
            assert connection.answer().status == 200

        refused = sent(served.port, get("/v1/models"))
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert refused.json["error"]["type"] == "overloaded_error"
        assert str(CONNECTIONS_MAX) in refused.json["error"]["message"]

        open_[0].send(get("/"))
        assert open_[0].answer().status == 200, "those that are open stay open"
        open_[1].close()
        eventually(lambda: sent(served.port, get("/")).status == 200)
        served.command.wait_for_output(
            r"WARNING refused \d+ times: 118 connections are open, as many as this process accepts"
        )

        assert served.command.stop() == 0
    counted = sum(event["refused_connections"] for event in read(served.events_path, "proxy-heartbeat"))
    assert counted >= 1
    with running_exporter(served.events_path, state=tmp_path / "db") as exporter:
        assert exporter.scrape()["coderouter_refused_total", ("connections",)] == counted


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    with serving(tmp_path, ECHO, program=limited_to(100, 1000)) as served, ExitStack() as stack:
        for _ in range(200):
            connection = Connection(served.port)
            stack.callback(connection.close)
            connection.send(get("/"))
            assert connection.answer().status == 200
