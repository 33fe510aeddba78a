"""A small file of YAML neither holds the process nor ends it."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from support.proxy.least_config import LEAST

TEN = range(10)
MEMORY_BYTES_MAX = 1024 * 1024 * 1024


def laughs(levels: int, opened: str = "[", closed: str = "]", alias: str = "*a{n}") -> str:
    """Return lists of ten aliases of the previous list."""
    lines = [f"a0: &a0 {opened}x{closed}"]
    for level in range(1, levels + 1):
        inner = ", ".join(alias.format(n=level - 1) for _ in TEN)
        lines.append(f"a{level}: &a{level} {opened}{inner}{closed}")
    return "\n".join(lines) + "\n"


def merges(levels: int) -> str:
    """Return mappings that merge the previous one ten times."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, levels + 1)]
    return "\n".join(lines) + "\n"


def in_extra_body(levels: int) -> str:
    anchors = ", ".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10) if n else 'x'}]" for n in range(levels + 1)
    )
    return LEAST.replace("model: m", f"model: m, extra_body: {{{anchors}}}")


def chain(levels: int) -> str:
    return "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, levels + 1))


HOSTILE: dict[str, tuple[str, str]] = {
    "lists": (laughs(9), "repeat"),
    "many lists": (laughs(40), "repeat"),
    "mappings": (laughs(9, "{", "}", "k*a{n}").replace("k*", "? *"), ""),
    "merges": (merges(9), "repeat"),
    "where anything may be": (in_extra_body(8), "repeat"),
    "a chain of aliases": (chain(5000), "nested"),
    "itself": ("providers: &all [*all]\n", "contains itself"),
    "itself in a merge": ("a: &a {<<: *a}\n", "contains itself"),
    "itself in a key": ("a: &a\n  ? *a\n  : 1\n", "contains itself"),
    "lists in lists": ("a: " + "[" * 150 + "]" * 150 + "\n", "nested"),
    "mappings in mappings": ("a: " + "{a: " * 150 + "1" + "}" * 150 + "\n", "nested"),
    "open lists": ("a: " + "[" * 100_000, ""),
    "open mappings": ("a: " + "{a: " * 50_000, ""),
    "a number to the base of sixty": ("a: 1" + ":1" * 300_000 + "\n", "digits"),
    "a fraction to the base of sixty": ("a: 1" + ":1" * 300_000 + ".5\n", "digits"),
    "a long number": ("a: " + "9" * 200_000 + "\n", "digits"),
    "a large file": ("# " + "x" * 5_000_000 + "\n" + LEAST, "MiB"),
}


@pytest.fixture
def little_memory() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES_MAX, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("text", "words"), HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_at_once(text: str, words: str, little_memory: None) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    [error] = caught.value.errors
    assert words in error
    assert len(error) < 300


def test_aliases_repeat_what_a_user_writes_once() -> None:
    """A thousand providers with the same twenty fields."""
    common = ", ".join(f"f{n}: {n}" for n in range(20))
    provider = '  - {{<<: *common, name: "p{n}", base_url: "http://h/v1", model: m}}\n'
    text = (
        f"providers:\n  - &common {{name: p, base_url: 'http://h/v1', model: m, extra_body: {{{common}}}}}\n"
    )
    text += "".join(provider.format(n=n) for n in range(1000))
    text += "profiles:\n  - {name: default, providers: [p]}\n"
    assert len(load.parse(text, "f").providers) == 1001


def test_the_line_of_what_is_repeated_too_often_is_named() -> None:
    with pytest.raises(ConfigErrors, match=r"^f:6: has aliases that repeat more than 100,000 values"):
        load.parse(laughs(9), "f")
