"""The token that CodeRouter 2.14 and later ask of those who read metrics; a web configuration has passwords and TLS."""

import hmac

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from coderouter_exporter.http.access import basic

TOKEN_ENV = "CODEROUTER_METRICS_TOKEN"
HEADER = b"x-coderouter-token"
OPEN_PATHS = ("/-/healthy", "/-/ready")
REFUSED = f"Unauthorized: send X-CodeRouter-Token, or as password what {TOKEN_ENV} is set to\n"


class TokenMiddleware:
    """Requires the token in its header, or as the password of any name, so that a browser can ask for it."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS and not self._has_token(scope):
            challenge = {"WWW-Authenticate": 'Basic realm="cr-exporter"'}
            app = PlainTextResponse(REFUSED, status_code=401, headers=challenge)
        await app(scope, receive, send)

    def _has_token(self, scope: Scope) -> bool:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        _, password = basic(headers.get(b"authorization", b""))
        return any(hmac.compare_digest(given, self._token) for given in (headers.get(HEADER, b""), password))
