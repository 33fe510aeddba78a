"""What the commands share: the exporter's URL, times, filters of requests, and how errors end them."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar, get_args
from urllib.parse import urlsplit

import click

from coderouter_events.closed_sets import Outcome
from coderouter_http.command_line.local_urls import EXPORTER_URL, exporter_url

FAILED = 1
REFUSED = 2

F = TypeVar("F", bound=Callable[..., object])

_AGO = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Url(click.ParamType[str]):
    name = "URL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        url = str(value)
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            self.fail(f"{url!r} is not the URL of an exporter; write e.g. {EXPORTER_URL}", param, ctx)
        return url.rstrip("/").removesuffix("/metrics.json").removesuffix("/dashboard")


class Time(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            if (found := _AGO.fullmatch(text)) is not None:
                return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is not a time; write e.g. 2h, 30m or 7d (ago), or 2026-11-25T10:00",
                param,
                ctx,
            )


url = click.option(
    "--url",
    type=Url(),
    default=exporter_url,
    show_default=f"{EXPORTER_URL}, or by $CR_EXPORTER_LISTEN",
    envvar="CODEROUTER_EXPORTER_URL",
    show_envvar=True,
    help="URL of the exporter, including any path prefix before /metrics.json; https://name:password@host sends "
    "credentials.",
)


def since(default: str | None = None) -> Callable[[F], F]:
    shown = f"  [default: {default}]" if default else ""
    return click.option(
        "--since",
        type=Time(),
        default=default,
        help="From this time on: 30m, 2h or 7d ago, or a time such as 2026-11-25T10:00." + shown,
    )


_OUTCOMES = (*get_args(Outcome), "open", "lost")
_FILTERS = (
    click.option("--failed", is_flag=True, help="Only requests that got no complete answer."),
    click.option(
        "--outcome", multiple=True, type=click.Choice(_OUTCOMES), help="Of this outcome; repeat for several."
    ),
    *(
        click.option(f"--{name}", multiple=True, metavar="NAME", help=f"Of this {name}; repeat for several.")
        for name in ("provider", "model", "profile", "agent", "session")
    ),
    click.option("--error", metavar="TEXT", help="The error contains this text, in upper or lower case."),
    since(),
    click.option("--until", type=Time(), help="Before this time."),
)
_REPEATED = ("outcome", "provider", "model", "profile", "agent", "session")


def filters(command: F) -> F:
    """Add the options that say which requests are meant."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def parameters(given: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the options of `filters` as parameters of the API."""
    found = [(name, value) for name in _REPEATED for value in given[name]]
    found += [("failed", "1")] * given["failed"]
    found += [("error", given["error"])] * bool(given["error"])
    found += [(name, timestamp(given[name])) for name in ("since", "until") if given[name]]
    return found


def timestamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def errors_end_it() -> Iterator[None]:
    """End the command with a message and its exit code when the exporter does not return what is asked for."""
    from coderouter_exporter.terminal.client import (  # noqa: PLC0415 - quick help
        ExporterUnreachable,
        NotKept,
        Refused,
    )

    try:
        yield
    except (ExporterUnreachable, NotKept) as error:
        end(str(error), FAILED)
    except Refused as error:
        end(str(error), REFUSED)


def end(message: str, code: int = FAILED) -> NoReturn:
    click.echo(f"coderouter: {message}", err=True)
    sys.exit(code)
