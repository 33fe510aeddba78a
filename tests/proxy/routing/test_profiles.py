import pytest

from coderouter_proxy.config import load
from coderouter_proxy.routing import profiles
from coderouter_proxy.routing.profiles import DefaultProfile, UnknownMode

CONFIG = load.parse(
    """\
default_profile: a
mode_aliases: {fast: b, any: auto}
auto_router: {default_rule_profile: c}
providers:
  - {name: p, kind: echo}
profiles:
  - {name: a, providers: [p]}
  - {name: b, providers: [p]}
  - {name: c, providers: [p]}
""",
    "f",
)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, DefaultProfile("a", "config")),
        ("fast", DefaultProfile("b", "flag")),
        ("c", DefaultProfile("c", "flag")),
    ],
)
def test_a_mode_replaces_the_configured_default(mode: str | None, expected: DefaultProfile) -> None:
    assert profiles.default(CONFIG, mode, "flag") == expected


def test_an_unknown_mode_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UnknownMode, match="there is no mode or profile 'none'; there are fast, any, a, b, c"):
        profiles.default(CONFIG, "none", "env")
