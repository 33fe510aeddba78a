"""A patch changes only the lines it has to, and leaves every other byte of a providers.yaml unchanged."""

import difflib

import pytest
import yaml

from coderouter_proxy.config import load
from coderouter_proxy.doctor.patch import yaml_edit
from coderouter_proxy.doctor.patch.patch import merge
from support.docs import ROOT

EXAMPLES = ROOT / "deploy" / "examples"

PATCH = {
    "extra_body": {"options": {"num_ctx": 16384}},
    "capabilities": {"tools": False},
    "output_filters": ["strip_thinking"],
}

TEXT = """\
# my providers
default_profile: "default"   # quoted
server: {body_mib_max: 1,allowed_hosts: ['a', "b"]}

providers:
# the first
- name: plain
  base_url:   http://127.0.0.1:11434/v1
  model: 'qwen' # single quotes

# the second
- name: full
  base_url: http://127.0.0.1:11434/v1
  model: qwen
  extra_body:   # what Ollama gets
    options: {num_ctx: 2048, top_k: 7}  # small
    # more to come
    temperature: 0.10
  output_filters: [strip_stop_markers]
  append_system_prompt: |
    # no comment

    but text
- {name: flow, base_url: "http://127.0.0.1:1/v1", model: m, append_system_prompt: 'more words than go into a line'}

# chains
profiles:
    - name: default
      providers: [plain, full,
                  flow]
# the end
"""

ADDED = """\
+  extra_body:
+    options: {num_ctx: 16384}
+  capabilities: {tools: false}
+  output_filters: [strip_thinking]
"""

CHANGED = """\
-    options: {num_ctx: 2048, top_k: 7}  # small
+    options: {num_ctx: 16384, top_k: 7} # small
-  output_filters: [strip_stop_markers]
+  output_filters: [strip_thinking]
+  capabilities: {tools: false}
"""


def diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), n=0)
    return "".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def test_new_fields_are_inserted_before_the_comments_of_what_follows() -> None:
    after = yaml_edit.apply_patch(TEXT, "plain", PATCH)
    assert diff(TEXT, after) == ADDED
    assert "model: 'qwen' # single quotes\n  extra_body:" in after


def test_existing_fields_keep_their_place_and_their_neighbours() -> None:
    assert diff(TEXT, yaml_edit.apply_patch(TEXT, "full", PATCH)) == CHANGED


def test_an_entry_in_one_line_stays_in_one_line() -> None:
    removed, added = diff(TEXT, yaml_edit.apply_patch(TEXT, "flow", PATCH)).splitlines()
    assert added[1:].startswith(removed[1:-1])
    assert added.endswith(
        ", extra_body: {options: {num_ctx: 16384}}, capabilities: {tools: false}, output_filters: [strip_thinking]}"
    )


@pytest.mark.parametrize("provider", ["plain", "full", "flow"])
@pytest.mark.parametrize(
    "variant",
    [
        TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.removesuffix("# the end\n"),
        TEXT.removesuffix("\n"),
        TEXT.replace("\n", "\r\n").removesuffix("\r\n"),
        "---\n" + TEXT,
        TEXT.replace("- name: plain\n  base_url:", "- base_url:").replace(
            "  model: 'qwen'", "  name: plain\n  model: 'qwen'"
        ),
        "".join("  " + line if line[:1] in "- " else line for line in TEXT.splitlines(True)),
    ],
    ids=[
        "as it is",
        "CRLF",
        "no comment",
        "no newline",
        "CRLF no newline",
        "marked",
        "name later",
        "indented",
    ],
)
def test_other_bytes_are_unchanged_and_the_file_loads_as_intended(variant: str, provider: str) -> None:
    after = yaml_edit.apply_patch(variant, provider, PATCH)

    changed = diff(variant, after)
    assert changed.count("\n-") + changed.startswith("-") <= 2
    assert ("\r\n" in variant) == ("\r\n" in after)
    assert after.count("\r") == (after.count("\n") if "\r" in variant else 0)
    assert variant.endswith("\n") == after.endswith("\n")

    data = yaml.safe_load(variant)
    data["providers"] = [
        merge(entry, PATCH) if entry["name"] == provider else entry for entry in data["providers"]
    ]
    assert load.parse(after, "").model_dump() == load.parse(yaml.safe_dump(data), "").model_dump()


UNUSUAL = {
    "a list with comments": "  model: m\n  output_filters:\n  # first\n  - strip_thinking # second\n  # third\n",
    "a list farther in": "  output_filters:\n      - strip_thinking   # first\n  model: m\n",
    "nested farther in": "  model: m\n  extra_body:\n      options:\n          seed: 1   # first\n",
    "quoted keys": "  'model': m\n  \"timeout_s\": 3\n",
    "a text of several lines": '  model: m\n  append_system_prompt: "one\n\n    two \\\n    three"\n',
    "a folded text": "  model: m\n  append_system_prompt: >-\n    one\n\n    # two\n\n",
    "a list farther in at the end": "  model: m\n  output_filters:\n    - strip_thinking\n",
    "escapes": '  model: "\\u00e9"  # é\n',
    "tags": "  model: !!str 7\n  timeout_s: !!float 3\n",
    "words of YAML 1.1": "  model: m\n  paid: off\n  timeout_s: 010\n",
    "no newline": "  model: m",
}


@pytest.mark.parametrize("fields", UNUSUAL.values(), ids=UNUSUAL)
def test_lines_next_to_a_change_keep_their_formatting(fields: str) -> None:
    text = (
        "profiles: [{name: default, providers: [a]}]\n"
        f"providers:\n- name: a\n  base_url: http://127.0.0.1:1/v1\n{fields}"
    )
    patch = {**PATCH, "output_filters": ["strip_thinking", "strip_stop_markers"]}
    after = yaml_edit.apply_patch(text, "a", patch)
    assert "-" not in {line[:1] for line in diff(text.rstrip("\n") + "\n", after).splitlines()}, after


def test_a_patch_that_would_lose_a_comment_is_left_to_the_user() -> None:
    text = (
        "profiles: [{name: default, providers: [a]}]\n"
        "providers: [{name: a, # mine\n  base_url: http://127.0.0.1:1/v1, model: m}]\n"
    )
    with pytest.raises(yaml_edit.PatchError, match="there are comments inside brackets"):
        yaml_edit.apply_patch(text, "a", PATCH)


SHARED = """\
providers:
  - name: one
    base_url: http://127.0.0.1:1/v1
    model: m
    extra_body: &small
      options: {num_ctx: 2048} # little
  - name: two
    base_url: http://127.0.0.1:1/v1
    model: m
    extra_body: *small
  - &base
    name: three
    base_url: http://127.0.0.1:1/v1
    model: m
    extra_body: {top_k: 7}
  - <<: *base
    name: four
profiles:
  - {name: default, providers: [one, two, three, four]}
"""


@pytest.mark.parametrize("provider", ["one", "two", "four"])
def test_what_is_shared_through_an_anchor_becomes_the_providers_own(provider: str) -> None:
    text = yaml_edit.apply_patch(SHARED, provider, PATCH)
    assert text.count("# little") == 1 + (provider == "one")
    after = load.parse(text, "")
    for now, before in zip(after.providers, load.parse(SHARED, "").providers, strict=True):
        if now.name != provider:
            assert now == before
    patched = after.provider(provider)
    assert patched
    assert patched.extra_body["options"] == {"num_ctx": 16384}
    assert patched.extra_body.get("top_k") == (7 if provider == "four" else None)


def test_a_provider_whose_fields_others_inherit_is_not_changed() -> None:
    with pytest.raises(yaml_edit.PatchError, match=r"'three' .* edit these fields by hand"):
        yaml_edit.apply_patch(SHARED, "three", PATCH)


def test_the_examples_can_be_patched() -> None:
    for path in sorted(EXAMPLES.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        for provider in load.parse(text, path.name).providers:
            after = yaml_edit.apply_patch(text, provider.name, PATCH)
            removed = [line for line in diff(text, after).splitlines() if line.startswith("-")]
            assert len(removed) <= 1, (path.name, provider.name, removed)
