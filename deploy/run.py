"""Run proxy and exporter side by side until Ctrl-C; what `make run` does."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from coderouter_proxy.server.parent_death import end_with_parent

BIN = Path(sys.executable).parent
START_S = 20


def main() -> int:
    """Return the exit code: 0 after Ctrl-C or SIGTERM, else that of the process which ended by itself."""
    host = os.environ.get("CODEROUTER_HOST", "127.0.0.1")
    port = int(os.environ.get("CODEROUTER_PORT", "4000"))
    listen = os.environ.get("CR_EXPORTER_LISTEN", "127.0.0.1:9847")
    listen_host, _, listen_port = listen.rpartition(":")
    free = [
        _is_free(host, port, "the proxy", f"CODEROUTER_PORT={port + 1} make run"),
        _is_free(
            listen_host,
            int(listen_port),
            "the exporter",
            f"CR_EXPORTER_LISTEN={listen_host}:{int(listen_port) + 1} make run",
        ),
    ]
    if not all(free):
        return 3
    stopping: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.append(signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stop)
    processes = [
        # A group of their own: Ctrl-C reaches them from here only, for a second one would cut their drain short.
        subprocess.Popen([BIN / name, *args], preexec_fn=end_with_parent, process_group=0)  # noqa: PLW1509 - there is one thread
        for name, *args in (("coderouter", "serve"), ("cr-exporter",))
    ]
    try:
        announced = False
        while not stopping:
            ended = next((process for process in processes if process.poll() is not None), None)
            if ended is not None:
                return ended.returncode or 1
            if not announced and _answers(host, port) and _answers(listen_host, int(listen_port)):
                _announce(f"http://{host}:{port}", f"http://{listen}")
                announced = True
            time.sleep(0.1)
        return 0
    finally:
        _stop_all(processes)


def _is_free(host: str, port: int, who: str, instead: str) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            print(
                f"{host}:{port}, the address of {who}: {error.strerror}. Choose another: {instead}",
                file=sys.stderr,
            )
            return False
    return True


def _answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _announce(proxy: str, exporter: str) -> None:
    print(
        f"""
  proxy      {proxy}/v1        point agents and SDKs here
  exporter   {exporter}/metrics   counts, for Prometheus
  dashboard  {exporter}/dashboard   the same, for people

  Try it:

    curl {proxy}/v1/chat/completions -H 'Content-Type: application/json' \\
      -d '{{"messages": [{{"role": "user", "content": "hello there"}}]}}'
    curl -s {exporter}/metrics | grep ^coderouter_

  Ctrl-C stops both.
""",
        flush=True,
    )


def _stop_all(processes: list[subprocess.Popen[bytes]]) -> None:
    """End them in order; a second Ctrl-C tells them again, which ends running requests at once."""

    def tell(*_: object) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, tell)
    tell()
    for process in processes:
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
