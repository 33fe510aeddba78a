"""The model answers, and the key is accepted."""

from coderouter_proxy.doctor.model_client import REPLY_TOKENS_MAX, ModelClient
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import keys

QUESTION = "Answer with the single word: ready"


async def probe(model: ModelClient) -> Result:
    reply = await model.ask(QUESTION, max_tokens=REPLY_TOKENS_MAX)
    if not reply.text and not reply.thinking and reply.stop_reason != "max_tokens":
        raise ProviderError("empty", "the answer has no text")
    message = f"{model.provider.model or 'its model'} answers within {reply.duration_s:.1f} s"
    if not keys.has_key(model.provider):
        message += f"; without a key: {', '.join(keys.problems(model.provider))}"
    return Result(verdict=Verdict.OK, message=message)
