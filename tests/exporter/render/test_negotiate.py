import pytest

from coderouter_exporter.render.exposition import Format
from coderouter_exporter.render.negotiate import accepts_gzip, choose_format

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;"
    "version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
NATIVE_2 = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROTOBUF = "application/vnd.google.protobuf"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("image/png", Format.TEXT),
        (PROMETHEUS_2, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", Format.OPENMETRICS),
        ("application/openmetrics-text; version=2.0.0", Format.TEXT),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.7", Format.TEXT),
        ("text/plain;q=0.3, application/openmetrics-text;q=0.7", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0, */*", Format.TEXT),
        ("text/plain;q=0, */*;q=0.1", Format.OPENMETRICS),
        ("application/*, text/plain;q=0.9", Format.OPENMETRICS),
        (NATIVE_2, Format.PROTOBUF),
        (PROTOBUF, Format.PROTOBUF),
        (f"{PROTOBUF}; proto=io.prometheus.client.MetricFamily; encoding=text", Format.TEXT),
        (f"{PROTOBUF}; proto=example.Other; encoding=delimited", Format.TEXT),
        (f"{PROTOBUF};q=0.5, text/plain", Format.TEXT),
        ("text/plain;q=high, application/openmetrics-text;q=0.1", Format.OPENMETRICS),
    ],
)
def test_the_format_that_the_client_prefers_is_served(accept: str, form: Format) -> None:
    assert choose_format(accept) is form


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("identity", False),
    ],
)
def test_gzip_is_used_only_when_accepted(accept_encoding: str, gzip: bool) -> None:
    assert accepts_gzip(accept_encoding) is gzip
