"""Programs that start by `fork` from a process that has imported them; `forked.py` is its client.

It is run as a program itself. Each message on its socket is a JSON object: one with `command`, `env`, `cwd` and three
file descriptors is answered with the pid of the program that it started, and one with `pid` with the exit code of that
program, or `null` while it runs. The answer is its `number` and that.
"""

import atexit
import gc
import json
import os
import pkgutil
import runpy
import socket
import sys
import threading
import time
from importlib import import_module
from typing import Any

PACKAGES = ("coderouter_events", "coderouter_http", "coderouter_proxy", "coderouter_exporter")
MESSAGE_BYTES_MAX = 1 << 20
DESCRIPTORS_MAX = 1 << 20


def import_programs() -> None:
    """Import all modules, so that what is forked has them."""
    for package in map(import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    gc.collect()
    gc.freeze()


def next_program(channel: socket.socket) -> dict[str, Any]:
    """Answer messages; return in each program that is forked, with what it is to run."""
    while True:
        raw, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES_MAX, 3)
        if not raw:
            sys.exit()
        message: dict[str, Any] = json.loads(raw)
        if "pid" in message:
            answer = exit_code(message["pid"])
        elif answer := os.fork():
            for descriptor in descriptors:
                os.close(descriptor)
        else:
            for standard, descriptor in enumerate(descriptors):
                os.dup2(descriptor, standard)
            channel.detach()
            os.closerange(3, DESCRIPTORS_MAX)
            return message
        channel.send(json.dumps([message["number"], answer]).encode())


def exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def become(program: dict[str, Any]) -> None:
    """Run the command as Python does when it is started: in its folder, with its arguments and environment."""
    os.chdir(program["cwd"])
    os.environ.clear()
    os.environ.update(program["env"])
    time.tzset()
    first, *arguments = program["command"]
    if first == sys.executable:  # -m MODULE
        _, module, *sys.argv[1:] = arguments
        sys.path[:1] = [program["cwd"], program["env"]["PYTHONPATH"]]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv[1:] = arguments
        runpy.run_path(first, run_name="__main__")


def leave(ended: SystemExit) -> None:
    """End the process as Python does, but do not free all modules, whose memory it shares with the server."""
    if not isinstance(ended.code, int | None):
        raise ended
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended.code or 0)


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(sys.executable)  # noqa: PTH120 - as for the scripts, which are there
    import_programs()
    program = next_program(socket.socket(fileno=int(sys.argv[1])))
    try:
        become(program)
    except SystemExit as ended:
        leave(ended)
