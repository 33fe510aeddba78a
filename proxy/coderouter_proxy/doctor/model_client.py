"""Ask the model of one provider directly, without routing, fallback or any edit of its reply."""

import asyncio
import secrets
import time

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.exchange import exchange, provider_wire
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.keys import Keys
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing.capabilities import ModelCapabilities

REPLY_TOKENS_MAX = 1024  # enough for a model that thinks before a short answer


class ModelClient:
    """The model of a provider that is reached over HTTP; `replies` has all that it answered so far."""

    def __init__(
        self,
        provider: Provider,
        capabilities: ModelCapabilities,
        transport: Transport,
        timeout_s: float | None = None,
    ) -> None:
        self.provider = provider
        self.capabilities = capabilities
        self.replies: list[Reply] = []
        self.key = Keys(provider).pick().key
        self._timeout_s = timeout_s or provider.timeout_s
        self.wire = provider_wire(provider, transport)
        self._session = transport

    async def ask(self, question: str, **fields: object) -> Reply:
        """Return the reply to the question; the fields are those of a Messages request.

        The provider gets what the proxy would send for the same request from Claude Code.

        Raises:
            ProviderError: there is no reply, or it is not complete within the timeout.
        """
        message = {"role": "user", "content": question}
        body: Body = {"model": self.provider.model, "messages": [message], **fields}
        request = ClientRequest(
            request_id=f"req_{secrets.token_hex(12)}",
            ingress="anthropic",
            body=body,
            raw=b"",
            headers={},
            stream=body.get("stream") is True,
        )
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await exchange(self.provider, self.wire, request, self._session)
        except TimeoutError:
            late = f"no complete answer within {self._timeout_s:g} s"
            raise ProviderError("timeout_first_byte", late) from None
        reply.duration_s = time.perf_counter() - started
        self.replies.append(reply)
        return reply
