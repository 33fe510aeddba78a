"""When the same provider gets a request again after a moment: while it starts, or when it dropped a connection."""

import re
import time
from collections.abc import Callable

from coderouter_proxy.config.addresses import is_local
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.plain_http.response import BROKEN
from coderouter_proxy.wires.refusals import retry_after_s

WAIT_S = 0.5
RETRY_AFTER_S_MAX = 2.0
"""A provider that is busy for longer is left for the next one of the chain."""
REST_S = 60.0
"""A provider that is down is not waited for by each request."""

# llama.cpp's "Loading model", "Model … is currently loading" of Hugging Face's servers, "model is not ready" of others.
_LOADING = re.compile(r"\bloading\b|\bnot ready\b|\b(?:starting|warming) up\b", re.IGNORECASE)


def retries_of(provider: Provider) -> int:
    """Return how often it gets a request again: the user's own servers start and load models, others do not."""
    if provider.retries is not None:
        return provider.retries
    return 1 if is_local(provider) else 0


class Patience:
    """Which providers are waited for: not those where waiting did not help within `REST_S`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_vain: dict[str, float] = {}

    def wait_s(self, provider: Provider, error: ProviderError | None, retries: int) -> float | None:
        """Return after how many seconds to retry a request that was retried this often; None if it is not to be."""
        if error is None:
            if self._in_vain:
                self._in_vain.pop(provider.name, None)
            return None
        may_help_after_s = wait_s(error)
        if may_help_after_s is None or retries_of(provider) == 0:
            return None
        if retries >= retries_of(provider):
            self._in_vain[provider.name] = self._clock()
            return None
        rests = self._clock() < self._in_vain.get(provider.name, -REST_S) + REST_S
        return None if rests else may_help_after_s


def wait_s(error: ProviderError) -> float | None:
    """Return after how many seconds the provider may do better; None if that is not likely."""
    if error.error_type == "connect":
        return None if error.message == BROKEN else WAIT_S
    if error.status != 503:
        return None
    asked_s = retry_after_s(error.retry_after)
    if asked_s is not None:
        return max(asked_s, 0.0) if asked_s <= RETRY_AFTER_S_MAX else None
    return WAIT_S if _LOADING.search(error.message) else None
