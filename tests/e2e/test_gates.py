"""The exporter counts what gates and filters do to requests of both SDKs, once each."""

import subprocess
from pathlib import Path

from support.exporter.process import CR_EXPORTER, samples
from support.processes import clean_environment
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import serving
from support.proxy.sdks import ANTHROPIC_HELLO, OPENAI_HELLO, anthropic_sdk, openai_sdk
from support.proxy.upstream import Upstream
from support.proxy.upstream import serving as upstream_serving

THINKING = "<think>Hm.</think>Hello there.<|im_end|>"


def test_gates_and_filters_of_both_sdks_are_in_the_counts(tmp_path: Path) -> None:
    with upstream_serving() as upstream:
        send_with_both_sdks(tmp_path, upstream)

    command = [str(CR_EXPORTER), "fold", str(tmp_path / "events.jsonl")]
    folded = subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment())
    counted = samples(folded.stdout)
    degraded, filtered = "coderouter_capability_degraded_total", "coderouter_output_filter_applied_total"
    assert {name: value for name, value in counted.items() if name[0] in (degraded, filtered)} == {
        (degraded, ("thinking",)): 1,
        (degraded, ("reasoning",)): 2,
        (filtered, ("strip_thinking",)): 3,
        (filtered, ("strip_stop_markers",)): 3,
    }


def send_with_both_sdks(folder: Path, upstream: Upstream) -> None:
    a = upstream.provider("a")
    reasoning = says.streamed_thoughtful("The user greets.", THINKING)
    a.plays(says.thoughtful("The user greets.", THINKING), reasoning, says.answer(THINKING))
    filters = ["strip_thinking", "strip_stop_markers"]
    config = process.config([process.provider("local", a.base_url, output_filters=filters)])
    with serving(folder, config) as served:
        with openai_sdk(served) as sdk:
            answer = sdk.chat.completions.create(model="m", messages=OPENAI_HELLO)
            assert answer.choices[0].message.content == "Hello there."
            chunks = sdk.chat.completions.create(model="m", messages=OPENAI_HELLO, stream=True)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello there."
        with anthropic_sdk(served) as other:
            message = other.messages.create(
                model="m",
                max_tokens=2000,
                messages=ANTHROPIC_HELLO,
                thinking={"type": "enabled", "budget_tokens": 1024},
            )
            assert [block.text for block in message.content if block.type == "text"] == ["Hello there."]
        assert served.command.stop() == 0
