"""The fallback loop: send the request to the providers of a profile in order until one answers."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from coderouter_events.closed_sets import DegradedReason
from coderouter_events.events import (
    CapabilityDegraded,
    OutputFilterApplied,
    ProviderAdapted,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    ToolCallRepaired,
    TryProvider,
)
from coderouter_proxy import aside
from coderouter_proxy.answer import Answer, Attempt, Changes
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.providers.wordings.adaptation import Adaptation, Value
from coderouter_proxy.redact import shortened
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, gates, lengths, loops, order, retry, unexpected
from coderouter_proxy.routing.affinity import Stay
from coderouter_proxy.routing.exhausted import chain_exhausted
from coderouter_proxy.routing.lengths import Length
from coderouter_proxy.routing.loads import Load
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.routing.turn import Turn

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Attempts:
    """What the loop did for one request, also when it did not succeed.

    `errors` holds the last one of each provider: what was wrong before a request was adapted is fixed. `waited_s` adds
    up what the tries spent on the network before their first content, or their error, and the waits between them.
    `key_index` is which key of its provider the latest try sent.
    """

    count: int = 0
    provider: Provider | None = None
    errors: dict[str, ProviderError] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    over_budget: list[str] = field(default_factory=list)
    too_small: list[SkipShortContext] = field(default_factory=list)
    length: Length | None = None
    waited_s: float = 0.0
    load: Load | None = None
    stay: Stay | None = None
    turn: Turn = field(default_factory=Turn)
    key_index: int | None = None

    def skipped(self, skip: gates.Skip) -> None:
        if isinstance(skip, SkipPaidProvider):
            self.blocked.append(skip.provider)
        elif isinstance(skip, SkipBudgetExceeded):
            self.over_budget.append(skip.provider)
        elif isinstance(skip, SkipShortContext):
            self.too_small.append(skip)

    def begin(self, name: str) -> None:
        """Count the request as one in flight at this provider, and no longer at the one before."""
        if self.load is not None:
            self.load.move(name)

    def answered(self, name: str) -> None:
        if self.stay is not None:
            self.stay.answered(name)

    def end(self) -> None:
        """Take note that the request has ended, and its answer if there was one."""
        if self.load is not None:
            self.load.move(None)
        if self.stay is not None and self.provider is not None:
            self.stay.ended()


async def answer(
    request: ClientRequest, profile: Profile, routing: Routing, runtime: Runtime, attempts: Attempts
) -> Answer:
    """Return the answer of the first provider that has one; attempts are emitted and recorded in `attempts`.

    A provider that refuses images or documents is tried once more without them, but only after all others.

    Raises:
        ChainExhausted: none has.
        HttpError: the request forces a tool that runs at a vendor, and no provider of the chain has it; or none serves
            its ingress; or it ends in a loop of tool calls, which the profile refuses.
        NotKept: it refers to an answer that no provider of the chain may have.
    """
    attempts.length = await lengths.length_of(request, profile, routing, runtime.contexts)
    repeats = loops.repeats(request, profile)
    clients = routing.clients_for(request.ingress)
    asked = order.Asked(request, profile, routing, runtime.cooldowns, runtime.loads, runtime.affinity)
    names = order.in_order(asked)
    attempts.stay = asked.stay
    attempts.load = Load(runtime.loads) if routing.has_groups else None
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s: profile %s: %s", request.request_id, profile.name, order.described(asked))
    refused: list[_Attempt] = []
    for name in names:
        client = clients.get(name)
        skip = gates.skip(
            request.request_id,
            name,
            client.provider if client else None,
            runtime.budgets,
            allow_paid=routing.config.allow_paid,
            length=attempts.length,
        )
        if skip is not None:
            attempts.skipped(skip)
            runtime.emit(skip)
        else:
            assert client is not None
            if repeats:
                request, repeats = loops.acted_on(request, profile, name, repeats, runtime.emit), 0
            attempt = _Attempt(client, request, profile, runtime, attempts)
            attempts.begin(name)
            found = await attempt.run(can_think=routing.capabilities[name].thinking)
            if isinstance(found, Answer):
                attempts.answered(name)
                return found
            refused.append(attempt)
            if not found.retryable:
                break
    for attempt in refused:
        attempts.begin(attempt.name)
        resort = await attempt.last_resort()
        if isinstance(resort, Answer):
            attempts.answered(attempt.name)
            return resort
    raise chain_exhausted(
        request.request_id,
        profile,
        [*attempts.errors.items(), *lengths.refusals(attempts.too_small)],
        blocked=attempts.blocked,
        over_budget=attempts.over_budget,
        emit=runtime.emit,
    )


@dataclass(frozen=True, slots=True)
class _Form:
    """How the request is sent: fit for the traits, and without what one refusal of this request complains about."""

    traits: ProviderTraits
    refused: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    adaptation: Adaptation
    value: Value
    complaint: str
    before: _Form


class _Attempt:
    """The tries of one provider for one request, and what is emitted for them.

    What a refusal complains about is changed and sent again, a few times; what helped is remembered.
    """

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
        self._emit = runtime.emit
        self._attempts = attempts
        self._started = 0.0
        self._form = _Form(client.traits)
        self._forms = [self._form]  # all that were tried
        self._changes: list[_Change] = []
        self._error: ProviderError | None = None
        self._degraded: set[str] = set()
        self._retries_left = client.provider.retries
        self._keys_refused: set[int] = set()
        self._other_key = False

    async def run(self, *, can_think: bool) -> Answer | ProviderError:
        if capabilities.wants_thinking(self._request.body) and not can_think:
            body = {name: value for name, value in self._request.body.items() if name != "thinking"}
            self._sent = replace(self._request, body=body, shows_thinking=True)
        return await self._in_turn(last_resort=False)

    async def last_resort(self) -> Answer | ProviderError | None:
        """Try again with what no provider should have to do without; None where the refusal is not about that."""
        error = self._error
        if error is None or not await self._changes_form(error, last_resort=True):
            return None
        return await self._in_turn(last_resort=True)

    async def _in_turn(self, *, last_resort: bool) -> Answer | ProviderError:
        """Try once there is a place at the provider, if it has a limit; an answer keeps the place until its end."""
        provider, turn = self._client.provider, self._attempts.turn
        if provider.max_in_flight is not None:
            begins = await turn.begin(self._runtime.queues, self._request.request_id, provider, self._emit)
            if not begins:
                return self._busy(provider)
        found = await self._adapted(await self._try(), last_resort=last_resort)
        if isinstance(found, ProviderError):
            turn.end()
        return found

    def _busy(self, provider: Provider) -> ProviderError:
        message = f"busy with {provider.max_in_flight} other requests for more than {provider.queue_s:g} s"
        error = self._attempts.errors[self.name] = ProviderError("overloaded", message)
        return error

    async def _adapted(self, found: Answer | ProviderError, *, last_resort: bool) -> Answer | ProviderError:
        while isinstance(found, ProviderError) and await self._changes_form(found, last_resort=last_resort):
            found = await self._try()
        if isinstance(found, Answer):
            self._learn()
        return found

    async def _changes_form(self, error: ProviderError, *, last_resort: bool) -> bool:
        """Change the form of the request as the refusal requires; return whether there is one not tried yet."""
        if len(self._forms) > adaptations.ADAPTATIONS_MAX:
            return False
        try:
            return await aside.unless_small(
                len(self._sent.raw),
                aside.REQUEST_BYTES_INLINE_MAX,
                partial(self._takes_another, error, last_resort=last_resort),
            )
        except Exception as bug:  # noqa: BLE001 - what was refused stays refused
            self._failure(bug)
            return False

    def _takes_another(self, error: ProviderError, *, last_resort: bool) -> bool:
        if self._changes and error.message == self._changes[-1].complaint:  # it did not help
            self._form = self._changes.pop().before
        form = self._form
        for adaptation, value in adaptations.recognised(error, form.traits, last_resort=last_resort):
            traits = adaptations.applied(form.traits, adaptation.trait, value)
            if self._takes(_Form(traits, form.refused)):
                self._changes.append(_Change(adaptation, value, error.message, form))
                return True
        return form.refused is None and self._takes(_Form(form.traits, error))

    def _takes(self, form: _Form) -> bool:
        """Take the form unless it would send what was refused already."""
        if form in self._forms or self._written(form) == self._written(self._form):
            return False
        self._form = form
        self._forms.append(form)
        return True

    def _written(self, form: _Form) -> object:
        return self._client.written(self._sent, self._profile, form.traits, form.refused)

    def _learn(self) -> None:
        """Remember what helped; another request may have learnt the same meanwhile."""
        for change in self._changes:
            adaptation, value = change.adaptation, change.value
            known = self._client.traits
            learnt = adaptations.applied(known, adaptation.trait, value)
            if adaptation.remembered:
                self._client.traits = learnt
            if learnt != known:
                self._emit(
                    ProviderAdapted(
                        request_id=self._request.request_id,
                        provider=self.name,
                        trait=adaptation.trait,
                        value=adaptations.shown(value),
                        reason=adaptation.id,
                        remembered=adaptation.remembered,
                    )
                )

    async def _try(self) -> Answer | ProviderError:
        """Send the request in its present form, and once more where another key or a moment may help."""
        while isinstance(found := await self._send(), ProviderError) and await self._may_help(found):
            pass
        if isinstance(found, ProviderError) and self._profile.cooldown:
            self._runtime.cooldowns.failed(self.name, found, self._profile.cooldown)
        return found

    async def _may_help(self, error: ProviderError) -> bool:
        """Return whether to send again: at once with another key, or after waiting here."""
        if self._other_key:
            assert self._attempts.key_index is not None
            self._keys_refused.add(self._attempts.key_index)
            return True
        wait_s = retry.wait_s(error) if self._retries_left else None
        if wait_s is None:
            return False
        self._retries_left -= 1
        self._attempts.waited_s += wait_s
        await asyncio.sleep(wait_s)
        return True

    async def _send(self) -> Answer | ProviderError:
        request_id, stream = self._request.request_id, self._request.stream
        self._started = time.perf_counter()
        self._attempts.count += 1
        self._attempts.key_index = None
        self._emit(TryProvider(request_id=request_id, provider=self.name, stream=stream))
        without_thinking = self._sent is not self._request
        if without_thinking:
            self._emit_degraded(["thinking"], "provider-does-not-support")
        dropped: dict[str, None] = {}  # each name once, in the order of the first drop
        form = self._form
        try:
            attempt = await self._client.attempt(
                self._sent, self._profile, form.traits, dropped.setdefault, form.refused
            )
        except asyncio.CancelledError as cancelled:
            self._attempts.waited_s += time.perf_counter() - self._started
            words = str(cancelled) or "the request was cancelled"
            self._emit_failed(ProviderFailed, ProviderError("cancelled", words, retryable=False))
            raise
        except Exception as error:  # noqa: BLE001 - any is a failure of this provider
            waited_s = time.perf_counter() - self._started
            attempt = Attempt(waited_s=waited_s, error=self._failure(error))
        finally:
            if dropped:
                unsupported = _unsupported(form.traits)
                self._emit_degraded(
                    [name for name in dropped if name in unsupported], "provider-does-not-support"
                )
                self._emit_degraded(
                    [name for name in dropped if name not in unsupported], "translation-lossy"
                )
        self._attempts.waited_s += attempt.waited_s
        self._attempts.key_index = attempt.key_index
        self._other_key = attempt.other_key and attempt.key_index not in self._keys_refused
        answer = attempt.answer
        if answer is None:
            assert attempt.error is not None
            return self._failed(self._failure(attempt.error))
        duration_s = round(time.perf_counter() - self._started, 6)
        self._emit(
            ProviderOk(request_id=request_id, provider=self.name, stream=stream, duration_s=duration_s)
        )
        self._attempts.provider = self._client.provider
        return Answer(pieces=self._observed(answer), log=answer.log, headers=answer.headers)

    def _failure(self, error: Exception) -> ProviderError:
        """Return the exception as a failure of this provider, without its secrets."""
        secrets = self._client.secrets
        return unexpected.failure(error, self.name, secrets).scrubbed(*secrets)

    def _failed(self, error: ProviderError) -> ProviderError:
        self._error = error
        self._emit_failed(ProviderFailed, error)
        self._attempts.errors[self.name] = error
        self._runtime.contexts.doubt(self.name, error)
        return error

    async def _observed(self, answer: Answer) -> AsyncGenerator[bytes]:
        """Pass the pieces on, and emit an error between them and what was changed."""
        cooldown = self._profile.cooldown
        try:
            async for piece in answer.pieces:
                yield piece
        except Exception as raw:  # noqa: BLE001 - any is a failure of this provider
            error = self._failure(raw)
            self._emit_failed(ProviderFailedMidstream, error)
            if cooldown:
                self._runtime.cooldowns.failed(self.name, error, cooldown)
            raise error from None
        else:
            if cooldown:
                self._runtime.cooldowns.succeeded(self.name)
        finally:
            try:
                self._emit_changes(answer.log().changes)
            finally:
                await answer.pieces.aclose()
                self._attempts.turn.end()

    def _emit_changes(self, changes: Changes) -> None:
        """Emit what was changed in the answer, once, if anything was."""
        request_id, name = self._request.request_id, self.name
        if changes.stripped:
            self._emit_degraded(changes.stripped, "non-standard-field")
        if changes.filters:
            self._emit(
                OutputFilterApplied(
                    request_id=request_id,
                    provider=name,
                    filters=list(changes.filters),
                    streaming=self._request.stream,
                )
            )
        if changes.repaired:
            self._emit(ToolCallRepaired(request_id=request_id, provider=name, count=changes.repaired))

    def _emit_degraded(self, names: Iterable[str], reason: DegradedReason) -> None:
        """Emit what this provider does not get or lost, each name once for all its tries."""
        dropped = [name for name in names if name not in self._degraded]
        self._degraded.update(dropped)
        if dropped:
            self._emit(
                CapabilityDegraded(
                    request_id=self._request.request_id, provider=self.name, dropped=dropped, reason=reason
                )
            )

    def _emit_failed(self, event: type[ProviderFailed], error: ProviderError) -> None:
        self._emit(
            event(
                request_id=self._request.request_id,
                provider=self.name,
                status=error.status,
                # After the first content nothing is tried again.
                retryable=error.retryable and event is not ProviderFailedMidstream,
                error_type=error.error_type,
                error=shortened(error.message),
                duration_s=round(time.perf_counter() - self._started, 6),
                key_index=self._attempts.key_index,
            )
        )


def _unsupported(traits: ProviderTraits) -> set[str]:
    """Return what a request loses because of the traits, by the names that are emitted for it."""
    names = {*traits.refused_fields, *traits.refused_schema_keywords}
    if not traits.images:
        names |= capabilities.IMAGES
    if not traits.documents:
        names |= capabilities.DOCUMENTS
    if not traits.temperature_with_top_p:
        names |= {"temperature", "top_p"}
    if not traits.forced_tool_choice:
        names.add("tool_choice")
    if traits.efforts is not None:
        names |= {"effort", "reasoning_effort", "output_config"}
    return names
