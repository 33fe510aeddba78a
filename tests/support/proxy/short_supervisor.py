"""`coderouter serve --workers 2` that replaces a hung worker sooner, for tests that wait for it."""

import asyncio
import sys

from coderouter_http.listen import listen
from coderouter_http.logs import LogOptions, log_to_stderr
from coderouter_proxy.server.supervisor import Supervisor
from support.proxy.short_pings import given_settings

HUNG_AFTER_S = 10.0
"""Longer than a busy machine keeps a responsive worker from running."""


def main() -> None:
    settings, port = given_settings()
    log_to_stderr(LogOptions())
    sock = listen("127.0.0.1", port)
    print(f"listens on http://127.0.0.1:{sock.getsockname()[1]}", file=sys.stderr)
    supervisor = Supervisor(
        settings,
        sock,
        workers=2,
        grace_s=1,
        logs=LogOptions(),
        ready="",
        hung_after_s=HUNG_AFTER_S,
    )
    asyncio.run(supervisor.run())


if __name__ == "__main__":
    main()
