"""Open the listening socket and serve on it, in this process or in several workers."""

import asyncio
import logging
import signal
import socket

from coderouter_events import sd_notify
from coderouter_http import product
from coderouter_http.command_line import local_urls
from coderouter_http.listen import CannotListen, listen, url_of
from coderouter_http.logs import LogOptions, log_to_stderr
from coderouter_http.protocol.limits import raise_descriptor_limit
from coderouter_proxy.providers import keys
from coderouter_proxy.server.draining import DrainingServer
from coderouter_proxy.server.lifecycle import SIGNALS
from coderouter_proxy.server.supervisor import Supervisor
from coderouter_proxy.settings.launch import Settings

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The proxy cannot serve; the message says why and what to change."""


def run(settings: Settings, *, port: int, workers: int, logs: LogOptions, grace_s: float) -> None:
    """Serve until a signal, then let in-flight requests finish for up to `grace_s`; a second signal cuts that short.

    Raises:
        CannotStart
    """
    log_to_stderr(logs)
    raise_descriptor_limit()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # an early signal waits for its handler
    sock = _listen(settings.launch.host, port)
    url = url_of(sock)
    _announce(settings, url)
    ready = f"serving on {url}"
    if workers == 1:
        watchdog_s = sd_notify.watchdog_s()
        ping_s = watchdog_s / 2 if watchdog_s is not None else None
        server = DrainingServer(settings, sd_notify.notify, grace_s=grace_s, ping_s=ping_s, ready=ready)
        server.run([sock])
        return
    supervisor = Supervisor(settings, sock, workers=workers, grace_s=grace_s, logs=logs, ready=ready)
    asyncio.run(supervisor.run())
    if supervisor.failed:
        raise CannotStart("a worker failed to start; see its log lines above")


def _listen(host: str, port: int) -> socket.socket:
    try:
        sock = listen(host, port)
    except CannotListen as error:
        raise CannotStart(error.advising("choose another with --port (CODEROUTER_PORT) or --host")) from None
    sock.set_inheritable(True)
    return sock


def _announce(settings: Settings, url: str) -> None:
    log.info(
        "coderouter %s listens on %s, configured by %s, writes events to %s",
        product.version(),
        url,
        settings.launch.config_path or "the built-in configuration (no providers.yaml found)",
        settings.launch.events_path or "no file",
    )
    if settings.launch.events_path:
        log.info(
            "cr-exporter counts these events, with a dashboard at %s/dashboard; `coderouter run` starts both",
            local_urls.exporter_url(),
        )
    for line in settings.notes_shown():
        log.warning("%s", line)
    for profile, name in settings.config.unknown_providers():
        log.warning("profile %r names the provider %r, which is not configured; it is skipped", profile, name)
    for provider in settings.config.providers:
        for problem in keys.problems(provider):
            log.warning("provider %r has no key: %s", provider.name, problem)
