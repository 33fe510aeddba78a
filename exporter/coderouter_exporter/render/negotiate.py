"""Content negotiation: format and encoding of a response by the Accept headers with quality values (RFC 9110)."""

from collections.abc import Iterator

from coderouter_exporter.render.exposition import Format

_OFFERS: dict[Format, tuple[str, dict[str, str]]] = {
    Format.TEXT: ("text/plain", {"version": "0.0.4"}),
    Format.OPENMETRICS: ("application/openmetrics-text", {"version": "1.0.0"}),
    Format.PROTOBUF: (
        "application/vnd.google.protobuf",
        {"proto": "io.prometheus.client.metricfamily", "encoding": "delimited"},
    ),
}
"""Media type and parameters of each format, in lower case; a client may leave a parameter out."""


def choose_format(accept: str) -> Format:
    """Return the format that the client prefers; text when it accepts none of them or has no preference."""
    ranked = [(*_preference(accept, *offer), form) for form, offer in _OFFERS.items()]
    quality, _, form = max(ranked, key=lambda rank: rank[:2])
    return form if quality > 0 else Format.TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    qualities = {coding: _quality(parameters) for coding, parameters in _items(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _preference(accept: str, media_type: str, offered: dict[str, str]) -> tuple[float, int]:
    """Return the quality of the most specific media range that matches the offer, and that specificity."""
    matching = [
        (_specificity(media_range), _quality(parameters))
        for media_range, parameters in _items(accept)
        if media_range in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*")
        and all(parameters.get(name, value) == value for name, value in offered.items())
    ]
    specificity, quality = max(matching, default=(0, 0.0))
    return quality, specificity


def _specificity(media_range: str) -> int:
    return 0 if media_range == "*/*" else 1 if media_range.endswith("/*") else 2


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0


def _items(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name:
            pairs = (parameter.partition("=") for parameter in parameters)
            yield name, {key.strip(): value.strip().strip('"') for key, _, value in pairs}
