"""What `coderouter migrate` writes: the same configuration in our names, with its comments and order."""

import pytest
import yaml

from coderouter_proxy.config import load
from coderouter_proxy.config.coderouter2.migrate import CannotMigrate, keeps_comments, migrated
from coderouter_proxy.config.validation import ConfigErrors
from proxy.config.coderouter2.samples import SAMPLES, combined, with_samples, written

WRITTEN = """\
# My models.
providers:
  - name: local   # the fast one
    base_url: http://127.0.0.1:11434/v1
    model: m
    restart_command: ollama serve  # when it hangs
    max_context_tokens: 32768
    # What it would cost elsewhere.
    cost:
      input_tokens_per_million: 3.0   # list price
      output_tokens_per_million: 15.00
      cache_read_discount: 0.1
      monthly_budget_usd: 20
    credential:
      source: env
      env: LOCAL_KEY
    capabilities: {chat: true, tools: true, tool_choice: false}

  - name: agent
    kind: agent_cli
    model: x
    agent_cli:
      agent: claude   # runs it

profiles:
  - name: default
    providers: [local, agent]
    adaptive: true
    # Drift of the answers.
    drift_detection_action: promote
    backend_health_action: demote
    backend_health_threshold: 3
launcher:
  model_dirs:
    - ~/models
  # bench:
  #   runs: 3
audit_log: active
allow_paid: false
"""
MIGRATED = """\
# My models.
providers:
  - name: local   # the fast one
    base_url: http://127.0.0.1:11434/v1
    model: m
    # restart_command: ollama serve  # when it hangs
    # What it would cost elsewhere.
    cost:
      input_per_mtok: 3.0   # list price
      output_per_mtok: 15.00
      cache_read_per_mtok: 0.3
      monthly_budget_usd: 20
    api_key_env: LOCAL_KEY
    capabilities: {tools: true, max_context_tokens: 32768}
    traits: {forced_tool_choice: false}

  # - name: agent
  #   kind: agent_cli
  #   model: x
  #   agent_cli:
  #     agent: claude   # runs it

profiles:
  - name: default
    providers: [local]
    # Drift of the answers.
    # drift_detection_action: promote
    cooldown: {threshold: 6, seconds: 30}
# launcher:
#   model_dirs:
#     - ~/models
  # bench:
  #   runs: 3
# audit_log: active
allow_paid: false
"""


def checked(text: str) -> str:
    """Return the migrated text, which means the same and has all comments and no key of 2.x."""
    before, _ = load.read(text, "before")
    result, _ = migrated(text, "f")
    after, notes = load.read(result, "after")
    assert after == before
    assert list(notes) == []
    assert keeps_comments(text, result)
    return result


def test_a_file_is_migrated_line_by_line() -> None:
    assert checked(WRITTEN) == MIGRATED


def test_line_ends_are_kept() -> None:
    assert checked(WRITTEN.replace("\n", "\r\n")) == MIGRATED.replace("\n", "\r\n")
    assert checked(WRITTEN.rstrip("\n")) == MIGRATED.rstrip("\n")


def test_what_is_migrated_and_what_is_ours_stays_as_it_is() -> None:
    assert migrated(MIGRATED, "f") == (MIGRATED, ())


@pytest.mark.parametrize("seed", range(40))
def test_any_twenty_keys_are_migrated_in_any_style(seed: int) -> None:
    checked(written(with_samples(combined(seed)), seed))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.shown)
def test_each_key_is_migrated_between_brackets(sample: object) -> None:
    data = with_samples([sample])  # type: ignore[list-item]
    checked(yaml.safe_dump(data, default_flow_style=True, width=10_000))


def test_errors_are_those_of_the_file() -> None:
    with pytest.raises(ConfigErrors, match=r"^f:1: providers: is missing"):
        migrated("profiles: [{name: default, providers: [a], adaptive: true}]\n", "f")


def test_a_key_beside_the_dash_leaves_the_dash() -> None:
    text = (
        "providers:\n- restart_command: x\n  name: a\n  base_url: http://h/v1\n  model: m\n"
        "profiles:\n- adaptive: true\n  name: default\n  providers:\n  - a\n"
    )
    assert checked(text) == (
        "providers:\n- # restart_command: x\n  name: a\n  base_url: http://h/v1\n  model: m\n"
        "profiles:\n- # adaptive: true\n  name: default\n  providers:\n  - a\n"
    )


def test_text_over_several_lines_is_left_out_as_a_whole() -> None:
    text = (
        MIGRATED
        + "plugins:\n  config:\n    a: |\n      one\n\n      two\n\n# The end.\ndisplay_timezone: Asia/Tokyo\n"
    )
    assert checked(text) == MIGRATED + "\n# The end.\ndisplay_timezone: Asia/Tokyo\n"


def test_what_providers_share_is_migrated_once_if_that_means_the_same() -> None:
    text = (
        "providers:\n- name: a\n  base_url: http://h/v1\n  model: m\n"
        "  cost: &cost\n    input_tokens_per_million: 1\n    output_tokens_per_million: 2\n"
        "- name: b\n  base_url: http://h/v1\n  model: m\n  cost: *cost\n"
        "profiles:\n- {name: default, providers: [a, b]}\n"
    )
    assert "cost: *cost" in checked(text)


@pytest.mark.parametrize(
    "shared",
    [
        "- <<: *base\n  name: b\n  cost: {input_tokens_per_million: 3}\n",
        "- <<: *base\n  name: b\n  capabilities: {vision: true}\n",
    ],
)
def test_a_file_that_shares_what_would_differ_is_refused_with_what_to_do(shared: str) -> None:
    text = (
        "providers:\n- &base\n  name: a\n  base_url: http://h/v1\n  model: m\n  max_context_tokens: 9\n"
        f"{shared}profiles:\n- {{name: default, providers: [a, b]}}\n"
    )
    with pytest.raises(CannotMigrate, match="by hand"):
        migrated(text, "f")


def test_a_file_whose_providers_are_all_skipped_is_not_written() -> None:
    text = "providers: [{name: a, kind: agent_cli, model: x}]\nprofiles: [{name: default, providers: [a]}]\n"
    with pytest.raises(CannotMigrate, match="nothing is left"):
        migrated(text, "f")
