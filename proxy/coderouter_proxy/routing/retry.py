"""When a provider that failed is tried once more after a moment: while it starts, or when it dropped a connection."""

import re

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.plain_http.response import BROKEN
from coderouter_proxy.wires.refusals import retry_after_s

WAIT_S = 0.5
RETRY_AFTER_S_MAX = 2.0
"""A provider that is busy for longer is left for the next one of the chain."""

# llama.cpp's "Loading model", "Model … is currently loading" of Hugging Face's servers, "model is not ready" of others.
_LOADING = re.compile(r"\bloading\b|\bnot ready\b|\b(?:starting|warming) up\b", re.IGNORECASE)


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
