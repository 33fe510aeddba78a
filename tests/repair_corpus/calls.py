"""Generated calls: every format in the situations that it can express."""

from collections.abc import Iterator
from dataclasses import dataclass

from repair_corpus.case import Case
from repair_corpus.formats import json_forms, named_json, pythonic, tags
from repair_corpus.formats.format import Call, Format

FORMATS = (*json_forms.FORMATS, *named_json.FORMATS, *tags.FORMATS, *pythonic.FORMATS)

READ: Call = ("read_file", {"path": "src/parser/mod.rs"})
SHELL: Call = (
    "bash",
    {
        "command": "set -eu\nfor f in *.py; do\n  echo \"$f\" | sed 's/\\.py$//'\ndone",
        "timeout": 90,
        "background": True,
    },
)
BEFORE = "Let me look at the parser first; it reads `{tokens}` from <stdin>:"
AFTER = "Then I will (probably) know where [1] comes from."


@dataclass(frozen=True)
class Situation:
    """Calls in one message, with prose around or between them."""

    calls: tuple[Call, ...] = (READ,)
    before: str = ""
    between: str = ""
    """Text between the first call and the second; without one, the calls are parallel."""
    after: str = ""


SITUATIONS = {
    "simple": Situation(),
    "lines": Situation((("read_file", {"path": "docs/übersicht.md", "offset": 41, "limit": 200}),)),
    "typed": Situation(
        (
            (
                "grep",
                {
                    "query": r"fn\s+main\(",
                    "include": ["*.rs", "tests/**"],
                    "case_sensitive": False,
                    "limit": 41,
                    "threshold": 0.5,
                },
            ),
        )
    ),
    # Text that would be something else if it were read as JSON.
    "numeric": Situation(
        (("edit_file", {"path": "VERSION", "old_text": "41", "new_text": "true", "replace_all": True}),)
    ),
    "package": Situation(
        (
            (
                "write_file",
                {
                    "path": "package.json",
                    "content": '{\n  "name": "read_file",\n  "private": true,\n  "files": ["dist"]\n}',
                },
            ),
        )
    ),
    "code": Situation(
        (
            (
                "edit_file",
                {
                    "path": "src/view/a b.tsx",
                    "old_text": "def f(x={'k': \"v\"}):\n\tif 1 < x > 3:\n        return f'{x!r}\\n'  # {{ \\d+ }}",
                    "new_text": 'const s = `<b title="a">${o["k"]}</b>`;\n'
                    "return [1, {a: null}]; // naïve, 東京 🚀 \\\\ C:\\temp, 100 % </p>",
                    "replace_all": False,
                },
            ),
        )
    ),
    "readme": Situation(
        (
            (
                "write_file",
                {
                    "path": "README.md",
                    "content": '# Setup\n\n```bash\nmake test && echo "ok"\n```\n\n'
                    "- `x` is *fast*\n- see <https://example.org/?a=1&b=2>",
                },
            ),
        )
    ),
    "shell": Situation((SHELL,)),
    "before": Situation(before=BEFORE),
    "around": Situation(before=BEFORE, after=AFTER),
    "two": Situation((READ, SHELL)),
    "between": Situation((READ, SHELL), between="Now the build."),
    "none": Situation((("get_diagnostics", {}),)),
    "todos": Situation(
        (
            (
                "set_todos",
                {
                    "todos": [
                        {"id": 1, "text": "read", "status": "done"},
                        {"id": 2, "text": "fix [it], then test", "status": "open"},
                    ]
                },
            ),
        )
    ),
    "nested": Situation(
        (
            (
                "mcp__tracker__create-issue",
                {
                    "title": 'Crash: "index out of range" in {parser}',
                    "labels": ["bug", "p1, urgent"],
                    "priority": 2,
                    "estimate": 1.5,
                    "assignee": None,
                    "due": "2026",
                    "meta": {"env": {"os": "linux", "cores": 8}, "seen": [1, 2], "flaky": True},
                    "draft": None,
                },
            ),
        )
    ),
}
COMMON = (
    "simple", "typed", "numeric", "package", "code", "readme", "before", "around", "two", "between", "none", "nested",
    "todos",
)  # fmt: skip
OTHERS = ("simple", "code", "two")
IN_TURN = ("around", "typed", "numeric", "shell", "none", "todos", "lines")
"""Each format that is not common gets one of these."""


def generated() -> Iterator[Case]:
    """Yield the cases of all formats."""
    others = [form for form in FORMATS if not form.is_common]
    for form in FORMATS:
        variants = COMMON if form.is_common else (*OTHERS, IN_TURN[others.index(form) % len(IN_TURN)])
        yield from (_case(form, variant) for variant in variants if variant not in form.without)


def _case(form: Format, variant: str) -> Case:
    situation = SITUATIONS[variant]
    if situation.between:
        first, second = situation.calls
        written = [form.write([first]), situation.between, form.write([second])]
    else:
        written = [form.write(situation.calls)]
    prose = [part for part in (situation.before, situation.between, situation.after) if part]
    return Case(
        id=f"{form.name}/{variant}",
        kind="call",
        text="\n\n".join(part for part in (situation.before, *written, situation.after) if part),
        calls=situation.calls,
        texts=(" ".join(prose),),
        source=form.source,
    )
