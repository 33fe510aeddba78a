"""What servers of OpenAI's two APIs share."""

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.wires.provider import ProviderWire


class OpenAIApi(ProviderWire):
    vendor_host = "api.openai.com"
    requires_max_tokens = False
    thinks_on_request = False
    forwarded_response_headers = ("x-ratelimit-",)

    def models_url(self, provider: Provider) -> str:
        return f"{provider.base_url}/models"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}
