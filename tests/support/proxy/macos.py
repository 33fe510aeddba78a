"""`coderouter` as on a Mac: without /proc, without systemd, with launchd's services."""

import sys
from pathlib import Path

from coderouter_proxy.cli import main
from coderouter_proxy.server import lifecycle, running

NOWHERE = Path("/no/such/folder")

if __name__ == "__main__":
    if "serve" not in sys.argv:  # which would read this machine's unit of memory as a Mac's
        sys.platform = "darwin"
    lifecycle.STATM = NOWHERE / "statm"
    running.PROC = NOWHERE
    main()
