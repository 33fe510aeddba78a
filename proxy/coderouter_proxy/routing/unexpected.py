"""Exceptions that no provider client declares: the provider has failed, and the log shows where."""

import logging
import traceback
from collections.abc import Sequence

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.redact import scrubbed

log = logging.getLogger(__name__)


def failure(error: Exception, provider: str, secrets: Sequence[str]) -> ProviderError:
    """Return the provider's failure that the exception is; any but a `ProviderError` is logged, without the secrets."""
    if isinstance(error, ProviderError):
        return error
    where = scrubbed("".join(traceback.format_exception(error)), *secrets)
    log.error("provider %s failed because of a bug in the proxy:\n%s", provider, where.rstrip())
    return ProviderError("protocol", f"{type(error).__name__}: {error}")
