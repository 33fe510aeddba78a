"""Reachable, and the key accepted."""

from coderouter_proxy.doctor.model_client import ANSWER_TOKENS_MAX, Model
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError

QUESTION = "Answer with the single word: ready"


async def probe(model: Model) -> Result:
    heard = await model.ask(QUESTION, max_tokens=ANSWER_TOKENS_MAX)
    if not heard.text and not heard.thinking and heard.stop_reason != "max_tokens":
        raise ProviderError("empty", "the answer has no words")
    message = f"{model.provider.model or 'its model'} answers, within {heard.duration_s:.1f} s"
    name = model.provider.api_key_env
    if name is not None and not model.key:
        message += f"; without a key, though {name} is named for one and not set"
    return Result(verdict=Verdict.OK, message=message)
