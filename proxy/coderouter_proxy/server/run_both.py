"""Run the proxy and the exporter side by side, as child processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import click
import yaml

from coderouter_http.command_line import browser
from coderouter_http.listen import CannotListen, listen, url_of
from coderouter_proxy.server.parent_death import end_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_S = 0.1
WEB_CONFIG_ENV = "CR_EXPORTER_WEB_CONFIG_FILE"

Child = subprocess.Popen[bytes]


class CannotRun(Exception):
    """At least one of the two cannot start; each line of the message is one reason, with what to change."""


@dataclass(frozen=True, kw_only=True)
class Address:
    host: str
    port: int
    url: str


def free_addresses(proxy: tuple[str, int], exporter: tuple[str, int]) -> tuple[Address, Address]:
    """Return both addresses if they are free, with a free port in place of port 0.

    Raises:
        CannotRun
    """
    fixes = (
        f"choose another for the proxy with --port {proxy[1] + 1} (CODEROUTER_PORT)",
        f"choose another for the exporter with --listen {exporter[0]}:{exporter[1] + 1} (CR_EXPORTER_LISTEN)",
    )
    schemes = ("http", exporter_scheme(os.environ.get(WEB_CONFIG_ENV)))
    free: list[Address] = []
    errors: list[str] = []
    with ExitStack() as sockets:  # both stay open until both are checked: they may be the same
        for (host, port), scheme, fix in zip((proxy, exporter), schemes, fixes, strict=True):
            try:
                sock = sockets.enter_context(listen(host, port))
                free.append(Address(host=host, port=sock.getsockname()[1], url=url_of(sock, scheme)))
            except CannotListen as error:
                errors.append(error.advising(fix))
    if errors:
        raise CannotRun("\n".join(errors))
    return free[0], free[1]


def exporter_scheme(web_config: str | None) -> str:
    """Return `https` if this web configuration of the exporter turns on TLS; the exporter reports its errors."""
    document: object = None
    if web_config:
        with suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
            document = yaml.safe_load(Path(web_config).read_text(encoding="utf-8"))
    return "https" if isinstance(document, dict) and document.get("tls_server_config") else "http"


def find_program(name: str) -> str:
    """Return the path of a command beside the running interpreter, or on PATH.

    Raises:
        CannotRun
    """
    folder = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([folder, os.environ.get("PATH", os.defpath)]))
    if found is None:
        raise CannotRun(
            f"cannot find {name} in {folder} or on PATH; is all of coderouter-exporter installed?"
        )
    return found


def run_both(
    proxy: Address,
    exporter: Address,
    proxy_command: Sequence[str],
    exporter_command: Sequence[str],
    *,
    open_dashboard: bool = False,
) -> int:
    """Run both until a signal, or until one of them ends; a second signal cuts short what still runs.

    Return 0 after a signal, else the exit code of the one that ended, or 1 if that is 0.
    """
    signals: list[int] = []
    for signum in STOP_SIGNALS:
        signal.signal(signum, lambda signum, _: signals.append(signum))
    children: list[Child] = []
    try:
        children.append(_start(proxy_command))
        children.append(_start(exporter_command))
        announced = False
        while not signals:
            for child in children:
                if child.poll() is not None:
                    return child.returncode or 1
            if not announced and _answers(proxy) and _answers(exporter):
                _announce(proxy.url, exporter.url)
                announced = True
                if open_dashboard:
                    _open(f"{exporter.url}/dashboard")
            time.sleep(POLL_S)
        return 0
    finally:
        for child in children:  # first the proxy, so that the exporter counts its last events
            _stop(child, signals)


def _start(command: Sequence[str]) -> Child:
    # In a process group of its own, so that the terminal's Ctrl-C reaches it only through us: a child that gets it
    # twice would not let requests finish.
    return subprocess.Popen(command, preexec_fn=end_with_parent, process_group=0)  # noqa: PLW1509 - single-threaded


def _stop(child: Child, signals: list[int]) -> None:
    """Ask the child to stop, again for each signal that arrives meanwhile, and wait until it has."""
    seen = -1
    while child.poll() is None:
        if len(signals) != seen:
            seen = len(signals)
            child.terminate()
        time.sleep(POLL_S)


def _answers(address: Address) -> bool:
    with suppress(OSError), socket.create_connection((address.host, address.port), timeout=1):
        return True
    return False


def _open(dashboard: str) -> None:
    """Open the dashboard, in a thread: some browsers return only when they are closed."""

    def open_or_say_so() -> None:
        if not browser.open_page(dashboard):
            click.echo(f"coderouter: there is no browser here to open {dashboard} with", err=True)

    Thread(target=open_or_say_so, daemon=True).start()


def _announce(proxy: str, exporter: str) -> None:
    click.echo(f"""
  proxy      {proxy}/v1        for agents and SDKs
  exporter   {exporter}/metrics   for Prometheus
  dashboard  {exporter}/dashboard   for you

  Try it:

    curl {proxy}/v1/chat/completions -H 'Content-Type: application/json' \\
      -d '{{"model": "any", "messages": [{{"role": "user", "content": "hello there"}}]}}'
    curl -s {exporter}/metrics | grep ^coderouter_

  Ctrl-C stops both.
""")
