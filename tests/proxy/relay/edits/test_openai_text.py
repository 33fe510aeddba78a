"""When the text of an OpenAI provider that is filtered reaches a client of the same wire."""

import pytest

from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from support.proxy import openai_answers as says
from support.proxy.drive_relay import request_of

HELLO = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


def relay_of(*, passes_reasoning: bool) -> Relay:
    policy = AnswerPolicy(["strip_thinking"], reasoning_passthrough=passes_reasoning, origin="abc")
    return choose(OpenAIProvider(), request_of("openai", HELLO), policy)


@pytest.mark.parametrize("passes_reasoning", [False, True])
def test_text_behind_reasoning_in_a_field_of_its_own_is_sent_at_once(passes_reasoning: bool) -> None:
    """Such a server separates thinking, so its text cannot turn out to be thinking."""
    relay = relay_of(passes_reasoning=passes_reasoning)
    relay.feed(says.ROLE)
    sent, _ = relay.feed(says.chunk({"reasoning_content": "Hm."}))
    assert (b"Hm." in sent) is passes_reasoning
    sent, _ = relay.feed(says.text("Hello."))
    assert b"Hello." in sent


def test_text_that_may_be_thinking_is_sent_at_the_end() -> None:
    relay = relay_of(passes_reasoning=False)
    relay.feed(says.ROLE)
    assert b"Hello." not in relay.feed(says.text("Hello."))[0]
    assert b"Hello." in relay.feed(says.STOP)[0]
