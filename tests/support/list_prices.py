"""Write proxy/coderouter_proxy/prices/list-prices.yaml from the price table in a wheel of litellm.

    pip download --no-deps litellm && PYTHONPATH=tests python -m support.list_prices litellm-*.whl

Its prices are per token and name a page of the vendor. What the wheel lacks is left out.
"""

import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import coderouter_proxy.prices

PATH = Path(str(coderouter_proxy.prices.__file__)).with_name("list-prices.yaml")
TABLE = "litellm/model_prices_and_context_window_backup.json"
ROWS = (
    ("api.groq.com", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
    ("generativelanguage.googleapis.com", "gemini-3.8-flash", "gemini/gemini-3.8-flash"),
    ("api.deepseek.com", "deepseek-flash", "deepseek/deepseek-flash"),
    ("api.deepseek.com", "deepseek-v4-pro", "deepseek/deepseek-v4-pro"),
    ("api.mistral.ai", "mistral-medium-latest", "mistral/mistral-medium-latest"),
    ("api.mistral.ai", "devstral-latest", "mistral/devstral-latest"),
    ("api.openai.com", "gpt-6.1-terra", "gpt-6.1-terra"),
    ("api.openai.com", "gpt-6.1-sol", "gpt-6.1-sol"),
    ("api.openai.com", "gpt-6-luna", "gpt-6-luna"),
    ("api.anthropic.com", "claude-sonnet-5-5", "claude-sonnet-5-5"),
    ("api.anthropic.com", "claude-opus-5-5", "claude-opus-5-5"),
    ("api.anthropic.com", "claude-haiku-5-5", "claude-haiku-5-5"),
)
"""Host, model, and the model's name in the table."""
COSTS = {
    "input_per_mtok": "input_cost_per_token",
    "output_per_mtok": "output_cost_per_token",
    "cache_read_per_mtok": "cache_read_input_token_cost",
    "cache_write_per_mtok": "cache_creation_input_token_cost",
}
# Google's page, as reported in BerriAI/litellm#39357: the price doubles on 2027-01-01.
UNTIL = {"gemini-3.8-flash": "2026-12-31"}
HEAD = """\
# Public list prices in US dollars per million tokens, and how many tokens a prompt may have.
#
# Written by tests/support/list_prices.py. `source` is where the prices were read, `page` the vendor's page that the
# source names, `as_of` the day on which that was the newest version of the source.
prices:
"""


def rows(table: Mapping[str, Any], source: str, as_of: str) -> Iterator[str]:
    for host, model, name in ROWS:
        if (entry := table.get(name)) is None:
            continue
        cost = {field: entry[key] * 1e6 for field, key in COSTS.items() if entry.get(key) is not None}
        fields = {
            "model": model,
            "context_tokens": entry["max_input_tokens"],
            "cost": f"{{{', '.join(f'{field}: {round(usd, 6):g}' for field, usd in cost.items())}}}",
            "source": source,
            "page": entry.get("source"),
            "as_of": as_of,
            "until": UNTIL.get(model),
            "remark": " ".join(remarks(entry)),
        }
        yield "".join(
            (
                f"  - host: {host}\n",
                *(f"    {field}: {value}\n" for field, value in fields.items() if value),
            )
        )


def remarks(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the prices of the row leave out."""
    limits = [
        key.removeprefix("input_cost_per_token_above_").removesuffix("k_tokens")
        for key in entry
        if key.startswith("input_cost_per_token_above_") and key.endswith("k_tokens")
    ]
    if limits:
        yield f"Prompts of more than {min(map(int, limits))},000 tokens cost more."
    if "off_peak_pricing" in entry:
        yield "Costs less outside of its peak hours."


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        table = json.loads(archive.read(TABLE))
    source = f"price table of litellm {wheel.name.split('-')[1]}"
    today = datetime.now(UTC).date().isoformat()
    PATH.write_text(HEAD + "\n".join(rows(table, source, today)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
