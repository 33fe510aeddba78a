"""What is valid and probably meant differently is a warning that says what to write."""

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.warnings import warnings

TEXT = """
providers:
  - {{name: local, base_url: "{base_url}", model: "{model}"}}
profiles:
  - {{name: default, providers: [{chain}]}}
"""
URL = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        (
            {"chain": "local, lokal"},
            ["profile 'default' skips 'lokal', which is no provider; did you mean 'local'?"],
        ),
        (
            {"chain": "local, other"},
            ["profile 'default' skips 'other', which is no provider; add it to providers,"],
        ),
        ({"base_url": f"{URL}/chat/completions"}, [f"which is appended to it; write {URL}"]),
        ({"base_url": f"{URL}/messages/"}, [f"which is appended to it; write {URL}"]),
        (
            {"model": "${MODEL}"},
            ["model of provider 'local' has ${MODEL}, which is sent as it is: variables"],
        ),
    ],
)
def test_what_was_probably_meant_differently_is_a_warning(
    changed: dict[str, str], expected: list[str]
) -> None:
    text = TEXT.format(**({"base_url": URL, "model": "m", "chain": "local"} | changed))
    found = list(warnings(load.parse(text, "f")))
    assert len(found) == len(expected)
    assert all(words in warning for words, warning in zip(expected, found, strict=True)), found
