"""`doctor --watch`: check again and again, and show what is different from before."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Event

import click

from coderouter_proxy.doctor import output
from coderouter_proxy.doctor.result import Result, exit_code

INTERVAL_S = 5.0

Check = Callable[[], list[Result]]
Seen = dict[tuple[str, str], tuple[str, str]]


def keep_checking(check: Check, *, as_json: bool, interval_s: float = INTERVAL_S) -> int:
    """Check until Ctrl-C or SIGTERM, and return the exit code of the last results.

    A terminal shows all results again; elsewhere all are printed once, and then each one whose verdict changes.

    Raises:
        ConfigErrors: the configuration that was named does not exist.
    """
    stopping = Event()

    def stop(*_: object) -> None:
        stopping.set()  # what runs now may swallow the exception
        raise KeyboardInterrupt

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    results: list[Result] = []
    seen: Seen = {}
    with suppress(KeyboardInterrupt):
        while not stopping.is_set():
            results = check()
            changed = [result for result in results if seen.get(_place(result)) != _state(result)]
            seen = {_place(result): _state(result) for result in results}
            _show(results, changed, as_json=as_json)
            stopping.wait(interval_s)
    return exit_code(results)


def _place(result: Result) -> tuple[str, str]:
    return result.subject, result.check


def _state(result: Result) -> tuple[str, str]:
    return result.verdict.value, result.remedy


def _show(results: Sequence[Result], changed: Sequence[Result], *, as_json: bool) -> None:
    if sys.stdout.isatty() and not as_json:
        click.clear()
        output.show(results, as_json=False)
        click.echo(f"\n{_now()}, again in {INTERVAL_S:g} s; Ctrl-C ends this")
    elif changed:
        if not as_json:
            click.echo(f"{_now()}:")
        output.show(changed, as_json=as_json)
        sys.stdout.flush()


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
