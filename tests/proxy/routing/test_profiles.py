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
def test_the_body_overrides_the_profile_header_which_overrides_the_mode_header(
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
def test_an_unknown_profile_or_mode_is_rejected(body: dict[str, object], headers: dict[bytes, bytes]) -> None:
    with pytest.raises(HttpError) as caught:
        profiles.choose(CONFIG, DEFAULT, body, headers)
    assert caught.value.status == 400


def test_the_profile_chosen_by_the_auto_router_has_to_be_configured() -> None:
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


def test_an_unknown_mode_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UnknownMode, match="there is no mode or profile 'none'; there are fast, any, a, b, c"):
        profiles.default(CONFIG, "none", "env")
