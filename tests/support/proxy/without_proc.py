"""`coderouter` on a machine without /proc, such as a Mac."""

from pathlib import Path

from coderouter_proxy.cli import main
from coderouter_proxy.server import lifecycle

if __name__ == "__main__":
    lifecycle.STATM = Path("/no/such/folder/statm")
    main()
