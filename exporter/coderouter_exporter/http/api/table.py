"""The endpoints of the API with their parameters, and their table for the documentation."""

from collections.abc import Iterator
from dataclasses import dataclass

from coderouter_exporter.http.api.parameters import FILTERS, FORMAT, HOURS, PAGES, SPEND, Parameter

PREFIX = "/api/v1"


@dataclass(frozen=True)
class Endpoint:
    name: str
    path: str
    help: str
    parameters: tuple[Parameter, ...] = ()

    @property
    def address(self) -> str:
        return PREFIX + self.path.replace(":path}", "}")


ENDPOINTS = (
    Endpoint(
        "requests",
        "/requests",
        "The requests that match, one by one, each with its tries; how many match, and how far back they are kept.",
        (*FILTERS, *PAGES, FORMAT),
    ),
    Endpoint(
        "request", "/requests/{request_id:path}", "One request with the steps of its story; 404 without it."
    ),
    Endpoint(
        "sessions",
        "/sessions",
        "The sessions with requests that match, summed up.",
        (*FILTERS, *PAGES, FORMAT),
    ),
    Endpoint("spend", "/spend", "Requests, tokens and cost, of 400 days.", SPEND),
    Endpoint("providers", "/providers", "What each provider did in the last hours, and how it is.", (HOURS,)),
    Endpoint(
        "traffic", "/traffic", "The traffic of the last hours: totals, and a value for each step.", (HOURS,)
    ),
    Endpoint(
        "status", "/status", "The proxy, the configuration, newest events, and whether the counts are exact."
    ),
)


def endpoint_table() -> str:
    """Return the endpoints with their parameters as a Markdown table."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| path | returns | parameters |"
    yield "| --- | --- | --- |"
    for endpoint in ENDPOINTS:
        parameters = "<br>".join(f"`{each.name}`: {each.help}" for each in endpoint.parameters)
        yield f"| `{endpoint.address}` | {endpoint.help} | {parameters} |"
