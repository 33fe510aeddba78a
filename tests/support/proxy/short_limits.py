"""`coderouter serve` whose limits of time are fractions of a second, for tests that reach them."""

from dataclasses import replace

from coderouter_http.logs import LogOptions
from coderouter_http.server import StoppableServer
from coderouter_proxy.server import run
from coderouter_proxy.settings.launch import LIMITS
from support.proxy.short_pings import given_settings

HALF_S = 0.4
IDLE_S = 1.0
UNREAD_S = 0.5
TICK_S = 0.1


def main() -> None:
    StoppableServer.tick_s = TICK_S
    settings, port = given_settings()
    limits = replace(LIMITS, half_s=HALF_S, idle_s=IDLE_S, unread_s=UNREAD_S)
    run.run(replace(settings, limits=limits), port=port, workers=1, logs=LogOptions(), grace_s=1)


if __name__ == "__main__":
    main()
