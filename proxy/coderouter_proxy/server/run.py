"""Serve: the listening socket, and the one process or the workers that answer on it."""

import asyncio
import logging
import os
import signal
import socket
from importlib.metadata import version

from coderouter_events import sd_notify
from coderouter_http.listen import CannotListen, listen, url_of
from coderouter_http.logs import log_to_stderr
from coderouter_proxy.server.draining import DrainingServer
from coderouter_proxy.server.lifecycle import SIGNALS
from coderouter_proxy.server.supervisor import Supervisor
from coderouter_proxy.settings.settings import Settings

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The proxy cannot serve; the message says why and what to change."""


def run(settings: Settings, *, port: int, workers: int, log_level: str, grace_s: float) -> None:
    """Serve until a signal, and for up to `grace_s` longer what is asked by then; a second signal ends that at once.

    Raises:
        CannotStart
    """
    log_to_stderr(log_level)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # one that comes early waits until it is handled
    sock = _listen(settings.start.host, port)
    url = url_of(sock)
    _announce(settings, url)
    ready = f"answers on {url}"
    if workers == 1:
        watchdog_s = sd_notify.watchdog_s()
        ping_s = watchdog_s / 2 if watchdog_s is not None else None
        server = DrainingServer(settings, sd_notify.notify, grace_s=grace_s, ping_s=ping_s, ready=ready)
        server.run([sock])
        return
    supervisor = Supervisor(
        settings, sock, workers=workers, grace_s=grace_s, log_level=log_level, ready=ready
    )
    asyncio.run(supervisor.run())
    if supervisor.failed:
        raise CannotStart("a worker failed to start; its log lines above say why")


def _listen(host: str, port: int) -> socket.socket:
    try:
        sock = listen(host, port)
    except CannotListen as error:
        raise CannotStart(f"{error}; choose another with --host or --port (CODEROUTER_PORT)") from None
    sock.set_inheritable(True)
    return sock


def _announce(settings: Settings, url: str) -> None:
    log.info(
        "coderouter %s listens on %s, configured by %s, writes events to %s",
        version("coderouter"),
        url,
        settings.start.config_path or "the built-in configuration (no providers.yaml found)",
        settings.start.events_path or "no file",
    )
    for profile, provider in settings.config.unknown_providers():
        log.warning(
            "profile %r names the provider %r, which is not configured; it is skipped", profile, provider
        )
    for each in settings.config.providers:
        if each.api_key_env and not os.environ.get(each.api_key_env):
            log.warning("provider %r has no key: the variable %s is not set", each.name, each.api_key_env)
