"""The options that say where to push to."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from coderouter_exporter.durations import Duration
from coderouter_exporter.otlp.target import Target, target

Command = Callable[..., Any]
PREFIX = "CR_EXPORTER_OTLP"


def otlp_options(command: Command) -> Command:
    """Add the options, and pass as `otlp` what returns the `Target` that they name, if any; it raises `BadTarget`."""

    @wraps(command)
    def with_otlp(
        *args: Any,  # noqa: ANN401
        otlp_endpoint: str,
        otlp_metrics_endpoint: str,
        otlp_traces_endpoint: str,
        otlp_headers: str,
        otlp_interval: int,
        otlp_resource: str,
        **more: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        def otlp() -> Target | None:
            return target(
                otlp_endpoint,
                metrics_endpoint=otlp_metrics_endpoint,
                traces_endpoint=otlp_traces_endpoint,
                headers=otlp_headers,
                interval_s=otlp_interval / 1000,
                resource=otlp_resource,
            )

        return command(*args, otlp=otlp, **more)

    decorated: Command = with_otlp
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _option(name: str, help_text: str, *, metavar: str, default: str = "") -> Callable[[Command], Command]:
    return click.option(
        f"--otlp.{name}",
        f"otlp_{name.replace('-', '_')}",
        type=Duration() if metavar == "DURATION" else None,
        metavar=metavar,
        default=default,
        show_default=bool(default),
        envvar=f"{PREFIX}_{name.replace('-', '_').upper()}",
        show_envvar=True,
        help=help_text,
    )


_OPTIONS = (
    _option(
        "endpoint",
        "Push metrics and traces to this OTLP receiver by HTTP, at URL/v1/metrics and URL/v1/traces; requires the "
        "extra `otlp` of the package.",
        metavar="URL",
    ),
    _option(
        "metrics-endpoint", "Whole URL for metrics, or `off`; instead of --otlp.endpoint.", metavar="URL"
    ),
    _option("traces-endpoint", "Whole URL for traces, or `off`; instead of --otlp.endpoint.", metavar="URL"),
    _option(
        "headers",
        "Headers to send, such as Authorization=Bearer%20KEY: percent-encoded, separated by commas. Set them in the "
        "environment, because other users can see command lines.",
        metavar="NAME=VALUE",
    ),
    _option("interval", "Time between two pushes of metrics.", metavar="DURATION", default="30s"),
    _option(
        "resource",
        "Attributes that describe this exporter, such as service.instance.id=laptop; in the same form.",
        metavar="NAME=VALUE",
    ),
)
