"""Check which product answers to the command `coderouter`."""

from coderouter_http import product
from coderouter_proxy.doctor.result import Result, Verdict

SUBJECT = "installation"


def check() -> Result:
    other = product.other_product()
    if other is None:
        return _result(Verdict.OK, f"{product.DISTRIBUTION} {product.version()}")
    return _result(Verdict.NEEDS_TUNING, other.message, other.remedy)


def _result(verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=product.COMMAND, verdict=verdict, message=message, remedy=remedy)
