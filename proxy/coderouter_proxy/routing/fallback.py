"""The fallback loop: send the request to the providers of a profile in order until one answers."""

import logging

from coderouter_events.events import SkipBudgetExceeded, SkipPaidProvider, SkipShortContext
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import gates, lengths, loops, order
from coderouter_proxy.routing.attempt import ProviderAttempts
from coderouter_proxy.routing.attempts import Attempts
from coderouter_proxy.routing.exhausted import chain_exhausted
from coderouter_proxy.routing.router import Routing, Runtime

log = logging.getLogger(__name__)


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
    attempts.loads = runtime.loads if routing.has_groups else None
    if log.isEnabledFor(logging.DEBUG):
        log.debug("%s: profile %s: %s", request.request_id, profile.name, order.described(asked))
    refused: list[ProviderAttempts] = []
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
            attempt = ProviderAttempts(client, request, profile, runtime, attempts)
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
        [
            *attempts.left_for(ProviderError),
            *lengths.refusals([skip for _, skip in attempts.left_for(SkipShortContext)]),
        ],
        blocked=[name for name, _ in attempts.left_for(SkipPaidProvider)],
        over_budget=[name for name, _ in attempts.left_for(SkipBudgetExceeded)],
        emit=runtime.emit,
    )
