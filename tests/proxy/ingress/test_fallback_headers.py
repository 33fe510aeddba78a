"""Which providers were left for which is in headers, by the names of CodeRouter 2.15; other answers have none."""

from typing import get_args

import pytest

from coderouter_events.closed_sets import ErrorType
from coderouter_events.events import SkipPaidProvider, SkipUnknownProvider
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.ingress import fallback_headers
from coderouter_proxy.ingress.who_answered import VALUE_CHARS_MAX
from coderouter_proxy.routing.attempts import Departure
from support.proxy import openai_answers as says
from support.proxy.client import Response
from support.proxy.process import Proxy
from support.proxy.upstream import CUT
from support.proxy.upstream import Provider as Upstream

PREFIX = "x-coderouter-fallback-"


def fallback(response: Response) -> dict[str, str]:
    return {
        name.lower().removeprefix(PREFIX): value
        for name, value in response.headers.items()
        if name.lower().startswith(PREFIX)
    }


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_after_others_failed(
    streamed: bool, served: Proxy, a: Upstream, b: Upstream, c: Upstream
) -> None:
    a.plays(says.error("slow down", 429))
    b.plays((CUT,))
    c.plays(says.streamed("Hello") if streamed else says.answer("Hello"))
    response = served.chat(profile="three", stream=streamed).rest()
    assert response.status == 200
    assert fallback(response) == {
        "from": "a",
        "to": "c",
        "reason": "rate-limit,connection",
        "chain": "a>b>c",
    }


def test_none_answered(served: Proxy, a: Upstream, b: Upstream) -> None:
    a.plays(says.error("no such model", 404))
    b.plays(says.error("broken", 500))
    response = served.chat().rest()
    assert fallback(response) == {"from": "a", "reason": "upstream-4xx,upstream-5xx", "chain": "a>b"}


def test_the_first_answered(served: Proxy, a: Upstream) -> None:
    a.plays(says.answer("Hello"))
    assert fallback(served.chat().rest()) == {}


def headers(**left: Departure) -> dict[bytes, bytes]:
    provider = Provider.model_validate({"name": "last", "kind": "echo"})
    return dict(fallback_headers.headers(left, provider))


def test_skipped_providers_are_in_the_chain() -> None:
    skips: dict[str, Departure] = {
        "dear": SkipPaidProvider(request_id="r", provider="dear"),
        "gone": SkipUnknownProvider(request_id="r", provider="gone"),
    }
    assert headers(**skips) == {
        b"x-coderouter-fallback-from": b"dear",
        b"x-coderouter-fallback-reason": b"paid-gate,unknown-provider",
        b"x-coderouter-fallback-chain": b"dear>gone>last",
        b"x-coderouter-fallback-to": b"last",
    }


def test_a_provider_that_answered_in_the_end_was_not_left() -> None:
    assert headers(last=ProviderError("upstream_4xx", "no system role")) == {}


def test_names_do_not_break_the_lists_or_the_header() -> None:
    name = "a>b,c\r\n" + "x" * 999
    said = headers(**{name: ProviderError("connect", "refused")})
    assert said[b"x-coderouter-fallback-from"].startswith(b"a%3Eb%2Cc%0D%0Ax")
    assert len(said[b"x-coderouter-fallback-chain"]) < 2 * VALUE_CHARS_MAX
    many = {f"p{number}": ProviderError("connect", "refused") for number in range(1000)}
    assert headers(**many)[b"x-coderouter-fallback-chain"].count(b">") == fallback_headers.CHAIN_MAX


def test_every_kind_of_error_has_a_reason() -> None:
    for error_type in get_args(ErrorType):
        assert headers(a=ProviderError(error_type, "x"))[b"x-coderouter-fallback-reason"]
