"""The events of the attempts at one provider for one request."""

import time
from collections.abc import Collection, Iterable

from coderouter_events.closed_sets import DegradedReason
from coderouter_events.events import (
    CapabilityDegraded,
    OutputFilterApplied,
    ProviderAdapted,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ToolCallRepaired,
    TryProvider,
)
from coderouter_proxy.answer import Changes
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.wordings.adaptation import Adaptation, Value
from coderouter_proxy.redact import shortened
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.router import Emit


class AttemptEvents:
    """`began` comes first; what is `degraded` is emitted once for all attempts."""

    def __init__(self, request: ClientRequest, provider: str, emit: Emit) -> None:
        self._request_id = request.request_id
        self._stream = request.stream
        self._provider = provider
        self._emit = emit
        self._started = 0.0
        self._degraded: set[str] = set()

    @property
    def duration_s(self) -> float:
        """Since the latest attempt began."""
        return time.perf_counter() - self._started

    def began(self) -> None:
        self._started = time.perf_counter()
        self._emit(TryProvider(request_id=self._request_id, provider=self._provider, stream=self._stream))

    def ok(self) -> None:
        self._emit(
            ProviderOk(
                request_id=self._request_id,
                provider=self._provider,
                stream=self._stream,
                duration_s=round(self.duration_s, 6),
            )
        )

    def failed(self, error: ProviderError, key_index: int | None) -> None:
        self._failed(ProviderFailed, error, key_index, retryable=error.retryable)

    def failed_midstream(self, error: ProviderError, key_index: int | None) -> None:
        # After the first content nothing is tried again.
        self._failed(ProviderFailedMidstream, error, key_index, retryable=False)

    def dropped(self, names: Collection[str], traits: ProviderTraits) -> None:
        """Emit what the request lost on its way to the provider, by the reason for it."""
        if names:
            unsupported = _unsupported(traits)
            self.degraded([name for name in names if name in unsupported], "provider-does-not-support")
            self.degraded([name for name in names if name not in unsupported], "translation-lossy")

    def degraded(self, names: Iterable[str], reason: DegradedReason) -> None:
        dropped = [name for name in names if name not in self._degraded]
        self._degraded.update(dropped)
        if dropped:
            self._emit(
                CapabilityDegraded(
                    request_id=self._request_id, provider=self._provider, dropped=dropped, reason=reason
                )
            )

    def adapted(self, adaptation: Adaptation, value: Value) -> None:
        self._emit(
            ProviderAdapted(
                request_id=self._request_id,
                provider=self._provider,
                trait=adaptation.trait,
                value=adaptations.shown(value),
                reason=adaptation.id,
                remembered=adaptation.remembered,
            )
        )

    def changed(self, changes: Changes) -> None:
        """Emit what was changed in the answer, if anything was."""
        if changes.stripped:
            self.degraded(changes.stripped, "non-standard-field")
        if changes.filters:
            self._emit(
                OutputFilterApplied(
                    request_id=self._request_id,
                    provider=self._provider,
                    filters=list(changes.filters),
                    streaming=self._stream,
                )
            )
        if changes.repaired:
            self._emit(
                ToolCallRepaired(request_id=self._request_id, provider=self._provider, count=changes.repaired)
            )

    def _failed(
        self, event: type[ProviderFailed], error: ProviderError, key_index: int | None, *, retryable: bool
    ) -> None:
        self._emit(
            event(
                request_id=self._request_id,
                provider=self._provider,
                status=error.status,
                retryable=retryable,
                error_type=error.error_type,
                error=shortened(error.message),
                duration_s=round(self.duration_s, 6),
                key_index=key_index,
            )
        )


def _unsupported(traits: ProviderTraits) -> set[str]:
    """Return the names of what a request loses because of the traits, as they are emitted."""
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
