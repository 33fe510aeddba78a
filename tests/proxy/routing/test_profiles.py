import pytest

from coderouter_proxy.config import load
from coderouter_proxy.errors import HttpError
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
DEFAULT = DefaultProfile("a", "config")
PROFILE = b"x-coderouter-profile"
MODE = b"x-coderouter-mode"


@pytest.mark.parametrize(
    ("body", "headers", "chosen"),
    [
        ({}, {}, "a"),
        ({"profile": None}, {}, "a"),
        ({}, {MODE: b"fast"}, "b"),
        ({}, {MODE: b"fast", PROFILE: b"c"}, "c"),
        ({"profile": "a"}, {MODE: b"fast", PROFILE: b"c"}, "a"),
        ({"profile": "auto"}, {}, "auto"),
        ({}, {MODE: b"any"}, "auto"),
    ],
)
def test_the_body_comes_before_the_profile_header_and_that_before_the_mode_header(
    body: dict[str, object], headers: dict[bytes, bytes], chosen: str
) -> None:
    assert profiles.choose(CONFIG, DEFAULT, body, headers) == chosen


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"profile": "none"}, {}),
        ({"profile": 5}, {}),
        ({"profile": ""}, {}),
        ({}, {PROFILE: b"\xff"}),
        ({}, {PROFILE: b"fast"}),
        ({}, {MODE: b"b"}),
    ],
)
def test_what_does_not_exist_is_refused(body: dict[str, object], headers: dict[bytes, bytes]) -> None:
    with pytest.raises(HttpError) as refused:
        profiles.choose(CONFIG, DEFAULT, body, headers)
    assert refused.value.status == 400


def test_what_the_auto_router_came_to_has_to_be_configured() -> None:
    assert profiles.existing(CONFIG, "c").name == "c"
    with pytest.raises(HttpError, match="there is no profile 'writing' for the auto router"):
        profiles.existing(CONFIG, "writing")


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


def test_a_mode_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(UnknownMode, match="there is no mode or profile 'none'; there are fast, any, a, b, c"):
        profiles.default(CONFIG, "none", "env")
