"""What it says about a provider that it does not answer."""

from coderouter_events.events import ErrorType
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError

RETRY = "try again later; cooldown of a profile keeps such a provider at the end of its chain"

FAILURES: dict[ErrorType, tuple[Verdict, str]] = {
    "connect": (Verdict.TRANSPORT_ERROR, "start the server, or correct base_url"),
    "timeout_connect": (Verdict.TRANSPORT_ERROR, "correct base_url, or raise connect_timeout_s"),
    "timeout_first_byte": (Verdict.TRANSPORT_ERROR, "raise timeout_s, or take a smaller model"),
    "timeout_idle": (Verdict.TRANSPORT_ERROR, "raise idle_timeout_s, or take a smaller model"),
    "auth": (Verdict.AUTH_FAIL, ""),
    "rate_limited": (Verdict.TRANSPORT_ERROR, RETRY),
    "overloaded": (Verdict.TRANSPORT_ERROR, RETRY),
    "upstream_5xx": (Verdict.TRANSPORT_ERROR, "look into the server's log"),
    "upstream_4xx": (Verdict.UNSUPPORTED, "correct extra_body or model"),
    "not_found": (Verdict.UNSUPPORTED, "correct model or base_url"),
    "protocol": (Verdict.TRANSPORT_ERROR, "correct base_url or kind"),
    "empty": (Verdict.TRANSPORT_ERROR, "look into the server's log"),
    "cancelled": (Verdict.TRANSPORT_ERROR, "run the doctor again"),
}


def result_of(failure: ProviderError, provider: Provider, key: str) -> Result:
    """Return the verdict on a provider that failed like this."""
    verdict, remedy = FAILURES[failure.error_type]
    status = f"answers {failure.status}: " if failure.status is not None else ""
    remedy = remedy or _remedy_of_auth(failure, provider, key)
    return Result(verdict=verdict, message=status + failure.message, remedy=remedy)


def _remedy_of_auth(failure: ProviderError, provider: Provider, key: str) -> str:
    name = provider.api_key_env
    if failure.status == 402:
        return "the account's balance is spent: top it up, or set paid: true so that it is asked last"
    if name is None:
        return "set api_key_env to the name of a variable that holds the key"
    return f"correct the key in {name}" if key else f"the variable {name} is not set: put the key in it"
