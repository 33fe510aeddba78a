"""An exporter that stops itself once it is loaded, and continues at SIGCONT: PATH STATE."""

import os
import signal
import sys

from coderouter_exporter.cli import main

if __name__ == "__main__":
    events, state = sys.argv[1:]
    os.kill(os.getpid(), signal.SIGSTOP)
    main(["--events", events, "--state", state, "--listen", "127.0.0.1:0"])
