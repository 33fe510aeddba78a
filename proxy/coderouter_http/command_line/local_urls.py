"""Where the proxy and the exporter of this machine are reached, by default and by the variables that move them."""

import os

from coderouter_http.listen import EVERY_ADDRESS, parse_address

PROXY_PORT = 4000
PROXY_URL = f"http://127.0.0.1:{PROXY_PORT}"
EXPORTER_LISTEN = "127.0.0.1:9847"
EXPORTER_URL = f"http://{EXPORTER_LISTEN}"
EXPORTER_URL_ENV = "CODEROUTER_EXPORTER_URL"


def proxy_url() -> str:
    """Return the URL at which `coderouter serve` listens with $CODEROUTER_HOST and $CODEROUTER_PORT."""
    host = os.environ.get("CODEROUTER_HOST") or "127.0.0.1"
    return _url(host, os.environ.get("CODEROUTER_PORT") or str(PROXY_PORT))


def exporter_url() -> str:
    """Return the URL at which `cr-exporter` listens with $CR_EXPORTER_LISTEN."""
    try:
        host, port = parse_address(os.environ.get("CR_EXPORTER_LISTEN") or EXPORTER_LISTEN)
    except ValueError:  # which the exporter reports
        return EXPORTER_URL
    return _url(host, str(port))


def _url(host: str, port: str) -> str:
    host = {EVERY_ADDRESS: "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
