"""A TLS connection that fails says what to change."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import aiohttp
import pytest
import trustme

from coderouter_proxy.providers import http

CA = trustme.CA()
NOW = datetime.now(UTC)


@contextmanager
def server(context: ssl.SSLContext | None) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:
        if context:
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_port
        listening.shutdown()


def failure(port: int) -> str:
    """Return how a request to the port fails, for a client that trusts our authority."""

    async def ask() -> str:
        context = ssl.create_default_context()
        CA.configure_trust(context)
        async with http.new_session() as session:
            with pytest.raises(aiohttp.ClientSSLError) as failed:
                await session.get(f"https://127.0.0.1:{port}", ssl=context)
        return http.network_failure(failed.value).message

    return asyncio.run(ask())


def of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_server_without_tls_is_named() -> None:
    with server(None) as port:
        assert failure(port) == (
            f"cannot connect to 127.0.0.1:{port} with TLS: the server does not speak it; write http:// in base_url"
        )


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [(-400, -30, "certificate has expired"), (30, 400, "certificate is not yet valid")],
)
def test_a_certificate_of_another_time_is_shown_with_this_machines_clock(
    begin: int, end: int, words: str
) -> None:
    certificate = CA.issue_cert(
        "127.0.0.1", not_before=NOW + timedelta(days=begin), not_after=NOW + timedelta(days=end)
    )
    with server(of(certificate)) as port:
        assert f"with TLS: {words}; this machine's clock says {NOW:%Y-%m}" in failure(port)


def test_a_certificate_of_another_name_is_shown_as_it_is() -> None:
    with server(of(CA.issue_cert("127.0.0.2"))) as port:
        assert "with TLS: IP address mismatch, certificate is not valid for '127.0.0.1'" in failure(port)
