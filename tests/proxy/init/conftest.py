"""The four local servers that `coderouter init` looks for."""

from collections.abc import Iterator

import pytest

from coderouter_proxy.init.local_servers import SERVERS
from support.proxy.upstream import Provider, Upstream


@pytest.fixture
def servers(upstream_server: Upstream) -> Iterator[dict[str, Provider]]:
    """The servers by name; each closes its connections until the test gives it a script."""
    upstream_server.forget()
    yield {server.name: upstream_server.provider(f"local-{server.name}") for server in SERVERS}
    upstream_server.forget()
