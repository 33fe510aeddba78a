"""The official SDKs, configured for a proxy under test and one of its profiles."""

from anthropic import Anthropic
from anthropic.types import MessageParam
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from support.proxy.process import Proxy

OPENAI_HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
ANTHROPIC_HELLO: list[MessageParam] = [{"role": "user", "content": "Say hello."}]


def openai_sdk(proxy: Proxy, profile: str | None = None, key: str = "unused") -> OpenAI:
    return OpenAI(base_url=proxy.url, api_key=key, max_retries=0, default_headers=_header(profile))


def anthropic_sdk(proxy: Proxy, profile: str | None = None, key: str = "unused") -> Anthropic:
    url = f"http://127.0.0.1:{proxy.port}"
    return Anthropic(base_url=url, api_key=key, max_retries=0, default_headers=_header(profile))


def _header(profile: str | None) -> dict[str, str]:
    return {} if profile is None else {"X-CodeRouter-Profile": profile}
