"""The names of OpenTelemetry's GenAI conventions, and our names for the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from coderouter_exporter.families.kinds import Histogram
from coderouter_exporter.families.proxy import OUTPUT_TOKEN, REQUEST_DURATION
from coderouter_exporter.families.requests import INPUT_TOKENS, OUTPUT_TOKENS, TOKEN_BUCKETS
from coderouter_exporter.otlp.values import SERVICE
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.reported import CatalogEntry

# The well-known values of `gen_ai.provider.name`, by the end of the host.
_PROVIDERS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "models.ai.azure.com": "azure.ai.inference",
    "services.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.groq.com": "groq",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
_ROUTES = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "embeddings": "/v1/embeddings",
    "rerank": "/v1/rerank",
}
_OPERATIONS = {"embeddings": "embeddings", "rerank": "rerank"}
# The buckets that the conventions ask for.
DURATION_BOUNDS = tuple(0.01 * 2**power for power in range(14))
OUTPUT_TOKEN_BOUNDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)


@dataclass(frozen=True)
class Provider:
    """A configured provider, as a span or a metric describes it."""

    name: str
    system: str
    """Its `gen_ai.provider.name`: the well-known one of its host, else its name in providers.yaml."""
    model: str | None = None
    address: str | None = None
    port: int | None = None

    @property
    def attributes(self) -> dict[str, str | int | None]:
        return {
            "gen_ai.provider.name": self.system,
            "coderouter.provider": self.name,
            "server.address": self.address,
            "server.port": self.port,
        }


@dataclass(frozen=True)
class Providers:
    """The providers of the newest configuration."""

    known: Mapping[str, Provider] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Provider:
        return self.known.get(name) or Provider(name, name)


def providers(catalog: list[CatalogEntry]) -> Providers:
    return Providers({entry.name: _provider(entry) for entry in catalog})


def _provider(entry: CatalogEntry) -> Provider:
    try:
        parts = urlsplit(entry.base_url or "")
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return Provider(entry.name, entry.name, entry.model)
    if not host:
        return Provider(entry.name, entry.name, entry.model)
    system = next((name for end, name in _PROVIDERS.items() if f".{host}".endswith(f".{end}")), None)
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        system = "aws.bedrock"
    return Provider(entry.name, system or entry.name, entry.model, host, port)


def operation(ingress: str | None) -> str:
    """Return the `gen_ai.operation.name` of requests to this API."""
    return _OPERATIONS.get(ingress or "", "chat")


def route(ingress: str | None) -> str | None:
    return _ROUTES.get(ingress or "")


Attributes = Mapping[str, str | int | None]


@dataclass(frozen=True)
class Convention:
    """A histogram of the conventions, computed from ours: `bounds` are some of the bounds of our buckets.

    Each of `sources` is one of ours, with the function that turns the values of its labels into attributes.
    """

    name: str
    unit: str
    help: str
    bounds: tuple[float, ...]
    sources: tuple[tuple[Histogram, Callable[[Providers, Labels], Attributes]], ...]


def _of_ingress(_: Providers, labels: Labels) -> Attributes:
    ingress, profile = labels
    return {
        "gen_ai.operation.name": operation(ingress),
        "gen_ai.provider.name": SERVICE,
        "coderouter.ingress": ingress,
        "coderouter.profile": profile,
    }


def _of_provider(known: Providers, labels: Labels) -> Attributes:
    return {"gen_ai.operation.name": "chat", **known[labels[0]].attributes}


def _of_input(known: Providers, labels: Labels) -> Attributes:
    return {**_of_provider(known, labels), "gen_ai.token.type": "input"}


def _of_output(known: Providers, labels: Labels) -> Attributes:
    return {**_of_provider(known, labels), "gen_ai.token.type": "output"}


CONVENTIONS = (
    Convention(
        "gen_ai.client.token.usage",
        "{token}",
        "Tokens per request, as reported by the provider; input includes what was read from or written to a cache.",
        TOKEN_BUCKETS,
        ((INPUT_TOKENS, _of_input), (OUTPUT_TOKENS, _of_output)),
    ),
    Convention(
        "gen_ai.server.request.duration",
        "s",
        "Time from the end of the request body to the last byte sent to the client.",
        DURATION_BOUNDS,
        ((REQUEST_DURATION, _of_ingress),),
    ),
    Convention(
        "gen_ai.server.time_per_output_token",
        "s",
        "Time per token after the first one, of complete streams with token usage.",
        OUTPUT_TOKEN_BOUNDS,
        ((OUTPUT_TOKEN, _of_provider),),
    ),
)
