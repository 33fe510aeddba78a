"""How the doctor reports a provider's error: the verdict, and what to do about it."""

from coderouter_events.events import ErrorType
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError

RETRY = "try again later; with `cooldown`, a profile moves such a provider to the end of its chain"

FAILURES: dict[ErrorType, tuple[Verdict, str]] = {
    "connect": (Verdict.TRANSPORT_ERROR, "start the server, or correct base_url"),
    "timeout_connect": (Verdict.TRANSPORT_ERROR, "correct base_url, or raise connect_timeout_s"),
    "timeout_first_byte": (Verdict.TRANSPORT_ERROR, "raise timeout_s, or use a smaller model"),
    "timeout_idle": (Verdict.TRANSPORT_ERROR, "raise idle_timeout_s, or use a smaller model"),
    "auth": (Verdict.AUTH_FAIL, ""),
    "rate_limited": (Verdict.TRANSPORT_ERROR, RETRY),
    "overloaded": (Verdict.TRANSPORT_ERROR, RETRY),
    "upstream_5xx": (Verdict.TRANSPORT_ERROR, "check the server's log"),
    "upstream_4xx": (Verdict.UNSUPPORTED, "correct extra_body or model"),
    "not_found": (Verdict.UNSUPPORTED, "correct model or base_url"),
    "protocol": (Verdict.TRANSPORT_ERROR, "correct base_url or kind"),
    "empty": (Verdict.TRANSPORT_ERROR, "check the server's log"),
    "cancelled": (Verdict.TRANSPORT_ERROR, "run the doctor again"),
}


def result_for(error: ProviderError, provider: Provider, key: str) -> Result:
    """Return the result for a provider that failed with this error."""
    verdict, remedy = FAILURES[error.error_type]
    status = f"responds with {error.status}: " if error.status is not None else ""
    remedy = remedy or _auth_remedy(error, provider, key)
    return Result(verdict=verdict, message=status + error.message, remedy=remedy)


def _auth_remedy(error: ProviderError, provider: Provider, key: str) -> str:
    name = " or ".join((*provider.key_variables, *provider.key_files))
    if error.status == 402:
        return "the account has no balance left: top it up, or set paid: true to skip it while allow_paid is false"
    if not name and provider.headers:
        return "correct its headers, or set api_key_env to the name of the variable that holds the key"
    if not name:
        return "set api_key_env to the name of the variable that holds the key"
    return f"correct the key in {name}" if key else f"{name} is not set: put the key in it"
