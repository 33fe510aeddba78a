"""A request to a provider of its own wire arrives as it was sent: it is not translated into any other form."""

import copy
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires import sequence
from coderouter_proxy.wires.clients import CLIENT_WIRES
from support.proxy.conversations import conversations, written
from support.proxy.drive_relay import PROFILE, PROVIDER_WIRES, request_from_bytes

pytestmark = pytest.mark.slow

Body = dict[str, Any]

ANY_LOAD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FITS_ALL = replace(ProviderTraits(), system_text="anywhere", alternating=False)
"""Traits with which nothing has to change."""
BASE_URLS = {
    "openai": ["https://api.openai.com/v1", "http://127.0.0.1:1/v1"],
    "anthropic": ["https://api.anthropic.com", "http://127.0.0.1:1"],
}
unknown: st.SearchStrategy[Body] = st.dictionaries(
    st.sampled_from(["made up", "name", "cache_control", "reasoning_content", "seed"]),
    st.sampled_from([None, 0, "", "x", [], {}, [{"type": "x"}]]),
    max_size=2,
)


@st.composite
def requests(draw: st.DrawFn, wire: str, *, own_api: bool) -> Body:
    """Return a request with anything beside what the proxy knows."""
    body = written(draw(conversations()), wire)
    messages = body["messages"]
    if not own_api and body.get("thinking") == {"type": "disabled"}:
        body.pop("output_config", None)  # an effort without thinking is for the own API only
    if not own_api:
        messages = [each for number, each in enumerate(messages) if not number or each["role"] != "system"]
    messages = [{**draw(unknown), **message} for message in messages]
    for message in messages:
        if isinstance(message["content"], list):
            message["content"] = [{**draw(unknown), **part} for part in message["content"]]
    if wire == "openai" and draw(st.booleans()):
        body["stream_options"] = {"include_obfuscation": False}
    return {
        **draw(unknown),
        **body,
        "messages": messages or [{}],
        "model": draw(st.sampled_from(["given", ""])),
    }


@pytest.mark.parametrize("model", ["m", ""])
@pytest.mark.parametrize("place", [0, 1], ids=["own API", "another server"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@given(data=st.data())
@ANY_LOAD
def test_a_request_of_the_same_wire_arrives_as_it_was_sent(
    wire: Ingress, place: int, model: str, data: st.DataObject
) -> None:
    sent = data.draw(requests(wire, own_api=place == 0))
    request = request_from_bytes(wire, orjson.dumps({**sent, "profile": "default"}))
    before = copy.deepcopy(request.body)
    provider = Provider(name="p", base_url=BASE_URLS[wire][place], model=model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(CLIENT_WIRES[wire]), "conversation", is_not_called)
        patch.setattr(sequence, "mended", is_not_called)
        body = PROVIDER_WIRES[wire].request(request, provider, PROFILE, FITS_ALL, is_not_called)

    assert request.body == before
    expected = {**sent, "model": model or sent["model"]}
    if wire == "openai":
        options = {**expected.pop("stream_options", {}), "include_usage": True}
        if expected.pop("stream", False):
            expected |= {"stream": True, "stream_options": options}
    assert body == expected
    assert all(new is old for new, old in zip(body["messages"], request.body["messages"], strict=True))
    # What a provider's cache looks up is in the order in which the client sent it.
    assert orjson.dumps(body["messages"]) == orjson.dumps(sent["messages"])
    assert [name for name in body if name in sent] == [name for name in sent if name in body]


def is_not_called(*given: object) -> Any:
    raise AssertionError(f"called with {given}")
