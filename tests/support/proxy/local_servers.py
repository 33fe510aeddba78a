"""What local model servers respond to `coderouter init`, and the environment in which it finds the tests' own."""

from pathlib import Path

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from support.proxy.upstream import Provider, Script, whole

OLLAMA_TAGS = whole(
    {
        "models": [
            {
                "name": "nomic-embed-text:latest",
                "details": {"families": ["nomic-bert"], "parameter_size": "137M"},
            },
            {"name": "llama3.1:70b", "details": {"parameter_size": "70.6B"}},
            {"name": "qwen2.5-coder:1.5b", "details": {"parameter_size": "1.5B"}},
            {"name": "qwen2.5-coder:14b", "details": {"parameter_size": "14.8B"}},
        ]
    }
)


def model_list(*names: str) -> Script:
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def environment(servers: dict[str, Provider], **more: str) -> dict[str, str]:
    """Return variables that point `coderouter init` at these servers instead of the usual addresses."""
    probes = " ".join(f"{name}={server.base_url}" for name, server in servers.items())
    return {"CODEROUTER_INIT_PROBE": probes, **more}


def written_config(folder: Path) -> Config:
    return load.load(folder / ".coderouter" / "providers.yaml").config
