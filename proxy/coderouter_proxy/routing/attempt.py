"""All attempts at one provider for one request: its turn in line, other keys, another moment, another form."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import partial

from coderouter_proxy import aside
from coderouter_proxy.answer import STARTED, Answer, Attempt, started
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, unexpected
from coderouter_proxy.routing.attempt_events import AttemptEvents
from coderouter_proxy.routing.attempts import Attempts
from coderouter_proxy.routing.forms import Forms
from coderouter_proxy.routing.router import Runtime

log = logging.getLogger(__name__)


class ProviderAttempts:
    """The attempts at one provider, which `attempts` counts. Each ends in one `provider-ok` or `provider-failed`."""

    def __init__(
        self,
        client: ProviderClient,
        request: ClientRequest,
        profile: Profile,
        runtime: Runtime,
        attempts: Attempts,
    ) -> None:
        self._client = client
        self.name = client.provider.name
        self._request = request
        self._sent = request
        self._profile = profile
        self._runtime = runtime
        self._attempts = attempts
        self._events = AttemptEvents(request, self.name, runtime.emit)
        self._forms = Forms(client)
        self._error: ProviderError | None = None
        self._keys_refused: set[int] = set()

    async def run(self, *, can_think: bool) -> Answer | ProviderError:
        if capabilities.wants_thinking(self._request.body) and not can_think:
            body = {name: value for name, value in self._request.body.items() if name != "thinking"}
            self._sent = self._request._replace(body=body, shows_thinking=True)
        return await self._in_turn(last_resort=False)

    async def last_resort(self) -> Answer | ProviderError | None:
        """Try again with what no provider should have to do without; None where the refusal is not about that."""
        error = self._error
        if error is None or not await self._changes_form(error, last_resort=True):
            return None
        return await self._in_turn(last_resort=True)

    async def _in_turn(self, *, last_resort: bool) -> Answer | ProviderError:
        """Try once there is a place at the provider, if it has a limit; an answer keeps the place until its end."""
        provider, turn, runtime = self._client.provider, self._attempts.turn, self._runtime
        if (
            provider.max_in_flight is not None
            and not turn.enter(runtime.queues.desk, provider)
            and not await turn.given(self._request.request_id, runtime.emit)
        ):
            return self._busy(provider)
        found = await self._adapted(last_resort=last_resort)
        if isinstance(found, ProviderError):
            turn.end()
        return found

    def _busy(self, provider: Provider) -> ProviderError:
        message = f"busy with {provider.max_in_flight} other requests for more than {provider.queue_s:g} s"
        error = ProviderError("overloaded", message)
        self._attempts.failed(self.name, error)
        return error

    async def _adapted(self, *, last_resort: bool) -> Answer | ProviderError:
        """Try until there is an answer, or no other form of the request; remember what helped."""
        found = await self._with_each_key()
        while isinstance(found, ProviderError) and await self._changes_form(found, last_resort=last_resort):
            found = await self._with_each_key()
        if isinstance(found, Answer):
            self._forms.learn(self._events)
        return found

    async def _changes_form(self, error: ProviderError, *, last_resort: bool) -> bool:
        if self._forms.are_exhausted:
            return False
        try:
            return await aside.unless_small(
                len(self._sent.raw),
                aside.REQUEST_BYTES_INLINE_MAX,
                partial(self._forms.change, error, self._sent, self._profile, last_resort=last_resort),
            )
        except Exception as bug:  # noqa: BLE001 - what was refused stays refused
            self._failure(bug)
            return False

    async def _with_each_key(self) -> Answer | ProviderError:
        """Try with one key of the provider after the other while it refuses them."""
        while True:
            attempt = await self._try()
            if attempt.answer is not None:
                return await self._watched(attempt.answer)
            error, refused = attempt.error, attempt.key_index
            assert error is not None
            if refused is None or not attempt.other_key or refused in self._keys_refused:
                if self._profile.cooldown:
                    self._runtime.cooldowns.failed(self.name, error, self._profile.cooldown)
                return error
            self._keys_refused.add(refused)

    async def _try(self) -> Attempt:
        """Make one attempt, and emit how it begins and ends."""
        self._attempts.count += 1
        self._attempts.key_index = None
        self._events.began()
        if self._sent is not self._request:
            self._events.degraded(["thinking"], "provider-does-not-support")
        dropped: dict[str, None] = {}  # each name once, in the order of the first drop
        form = self._forms.current
        try:
            attempt = await self._until_ready(dropped)
        except asyncio.CancelledError as cancelled:
            self._attempts.waited_s += self._events.duration_s
            words = str(cancelled) or "the request was cancelled"
            self._events.failed(ProviderError("cancelled", words, retryable=False), None)
            raise
        except Exception as error:  # noqa: BLE001 - any is a failure of this provider
            attempt = Attempt(waited_s=self._events.duration_s, error=self._failure(error))
        finally:
            self._events.dropped(dropped, form.traits)
        self._attempts.waited_s += attempt.waited_s
        self._attempts.key_index = attempt.key_index
        if attempt.answer is not None:
            self._events.ok()
            self._attempts.provider = self._client.provider
            return attempt
        assert attempt.error is not None
        failure = self._failure(attempt.error)
        self._events.failed(failure, attempt.key_index)
        self._error = failure
        self._attempts.failed(self.name, failure)
        self._runtime.contexts.doubt(self.name, failure)
        return attempt._replace(error=failure)

    async def _until_ready(self, dropped: dict[str, None]) -> Attempt:
        """Send the request in its current form, and again after a moment where the provider may do better then."""
        form, provider, patience = self._forms.current, self._client.provider, self._runtime.patience
        waited_s, retries = 0.0, 0
        while True:
            attempt = await self._client.attempt(
                self._sent, self._profile, form.traits, dropped.setdefault, form.refused
            )
            wait_s = patience.wait_s(provider, attempt.error, retries)
            if wait_s is None or attempt.error is None:
                return attempt._replace(waited_s=waited_s + attempt.waited_s) if retries else attempt
            retries += 1
            log.info("provider %s: %s; sent again in %.1f s", self.name, self._failure(attempt.error), wait_s)
            waited_s += attempt.waited_s + wait_s
            await asyncio.sleep(wait_s)

    def _failure(self, error: Exception) -> ProviderError:
        """Return the exception as a failure of this provider, without its secrets."""
        secrets = self._client.secrets
        return unexpected.failure(error, self.name, secrets).scrubbed(*secrets)

    async def _watched(self, answer: Answer) -> Answer:
        """Return the answer so that how it ends is noted; a whole one has ended."""
        if not isinstance(answer.pieces, bytes):
            return answer._replace(pieces=await started(self._pieces(answer.pieces, answer)))
        if self._profile.cooldown:
            self._runtime.cooldowns.succeeded(self.name)
        self._ended(answer)
        return answer

    async def _pieces(self, pieces: AsyncGenerator[bytes], answer: Answer) -> AsyncGenerator[bytes]:
        """Pass the pieces on, and emit an error between them and what was changed."""
        cooldown, cooldowns = self._profile.cooldown, self._runtime.cooldowns
        try:
            yield STARTED
            async for piece in pieces:
                yield piece
        except Exception as raw:  # noqa: BLE001 - any is a failure of this provider
            error = self._failure(raw)
            self._events.failed_midstream(error, self._attempts.key_index)
            if cooldown:
                cooldowns.failed(self.name, error, cooldown)
            raise error from None
        else:
            if cooldown:
                cooldowns.succeeded(self.name)
        finally:
            try:
                await pieces.aclose()
            finally:
                self._ended(answer)

    def _ended(self, answer: Answer) -> None:
        try:
            self._events.changed(answer.log().changes)
        finally:
            self._attempts.turn.end()
