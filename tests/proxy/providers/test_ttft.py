"""`ttft_timeout_s`: a stream without content is left early, but only where the chain has another provider."""

from pathlib import Path

from support.proxy import openai_answers as says
from support.proxy.process import config, provider, serving
from support.proxy.upstream import HANG, Provider


def test_a_silent_stream_is_left_early_but_no_whole_answer_and_not_the_last_provider(
    a: Provider, b: Provider, tmp_path: Path
) -> None:
    early = {"ttft_timeout_s": 0.2, "timeout_s": 1.5}
    text = config([provider("a", a.base_url, **early), provider("b", b.base_url, **early)])
    with serving(tmp_path, text) as proxy:
        a.plays((HANG,))
        b.plays((HANG,))
        message = proxy.chat(stream=True).rest().json["error"]["message"]
        assert "a: timeout_first_byte: no content within 0.2 s" in message
        assert "b: timeout_first_byte: no content within 1.5 s" in message
        a.plays((HANG,))
        b.plays(says.answer("Hello"))
        whole = proxy.chat().rest()
        assert whole.status == 200
        [failed] = [event for event in proxy.story(whole.request_id) if event["msg"] == "provider-failed"]
        assert failed["error"] == "no content within 1.5 s"
