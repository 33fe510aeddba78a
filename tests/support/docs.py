"""Print tables from the code into the documents, and manual pages: `make docs`. A test fails if they differ.

A document marks each place: `<!-- printed: NAME -->` … `<!-- end -->`.
"""

import ast
import json
import re
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel
from starlette.routing import compile_path

from coderouter_events import events
from coderouter_exporter.families import table
from coderouter_exporter.http.api.table import endpoint_table
from coderouter_exporter.tail.names import naming_table
from coderouter_proxy.agents.table import AGENTS, BY_KEY, Agent, Target
from coderouter_proxy.config import auto_rules, chains, schema, traits, validation
from coderouter_proxy.config.coderouter2.key import Key
from coderouter_proxy.config.coderouter2.keys import KEYS
from coderouter_proxy.config.section import field_descriptions
from coderouter_proxy.doctor.probes import run
from coderouter_proxy.doctor.result import MEANINGS
from coderouter_proxy.init import clouds
from coderouter_proxy.providers.adaptations import ADAPTATIONS
from coderouter_proxy.providers.wordings.adaptation import Adaptation
from coderouter_proxy.routing import capabilities
from coderouter_proxy.server.unsupported import UNSUPPORTED
from support import config_schema, man_pages, run_command
from support.processes import SCRIPTS, clean_environment

ROOT = Path(__file__).parents[2]
SERVED_AS_WELL = "(no error: this path is served as well)"
MAN = ROOT / "proxy/man"
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "proxy/README.md",
    ROOT / "exporter/README.md",
    ROOT / "exporter/API.md",
    ROOT / "grafana/README.md",
    ROOT / "deploy/prometheus/README.md",
    ROOT / "deploy/README.md",
    ROOT / "deploy/otlp.md",
    ROOT / "deploy/sizing.md",
    ROOT / "proxy/doctor.md",
    ROOT / "proxy/troubleshooting.md",
    ROOT / "proxy/security.md",
    ROOT / "proxy/coming-from-coderouter.md",
    ROOT / "deploy/own-machine.md",
    *sorted((ROOT / "proxy/agents").glob("*.md")),
)
PACKAGES = (
    "proxy/coderouter_events",
    "proxy/coderouter_http",
    "proxy/coderouter_proxy",
    "exporter/coderouter_exporter",
)
SECTIONS: dict[str, type[BaseModel]] = {
    "file": schema.Config,
    "server": schema.Server,
    "provider": schema.Provider,
    "capabilities": schema.Capabilities,
    "traits": traits.Traits,
    "cost": schema.Cost,
    "profile": schema.Profile,
    "cooldown": schema.Cooldown,
    "affinity": chains.Affinity,
    "group-member": chains.Member,
    "auto-router": auto_rules.AutoRouter,
    "rule": auto_rules.AutoRule,
    "match": auto_rules.Match,
    "registry-rule": capabilities.CapabilityRule,
    "registry-flags": capabilities.CapabilityOverrides,
}
QUERIES = ("stats", "dashboard", "requests", "trace", "spend", "compare", "suggest")
"""The commands of `coderouter` that read an exporter."""
BLOCK = re.compile(r"(<!-- printed: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def event_table() -> str:
    """Return every event with its fields, in the order of the contract."""
    lines = ["| event (`msg`) | written when | its fields |", "| --- | --- | --- |"]
    for event in events.EVENTS:
        assert event.__doc__
        described = "<br>".join(
            f"`{name}`: {text}" for name, text in events.field_descriptions(event).items()
        )
        lines.append(f"| `{event.msg}` | {event.__doc__} | {described} |")
    return "\n".join(lines)


def envelope_table() -> str:
    rows = (f"| `{name}` | {text} |" for name, text in events.ENVELOPE.items())
    return "\n".join(("| field | |", "| --- | --- |", *rows))


def field_table(section: type[BaseModel]) -> str:
    """Return every field of the section with its default; fields without one are required."""
    lines = ["| field | default | |", "| --- | --- | --- |"]
    for name, text in field_descriptions(section).items():
        field = section.model_fields[name]
        default = "required" if field.is_required() else _shown(_default(section, name))
        lines.append(f"| `{name}` | {default} | {text} |")
    return "\n".join(lines)


def _default(section: type[BaseModel], name: str) -> object:
    """Return the default of the field; that of a trait which nobody declares."""
    if section is traits.Traits:
        default = getattr(traits.ProviderTraits(), name)
        return list(default) if isinstance(default, tuple) else default
    return section.model_fields[name].default


def known_traits_table() -> str:
    """Return what the shipped rules declare of the APIs of vendors, in the order of the rules."""
    text = files("coderouter_proxy").joinpath(capabilities.SHIPPED).read_text(encoding="utf-8")
    lines = ["| host | model | traits |", "| --- | --- | --- |"]
    for rule in validation.validated(text, capabilities.SHIPPED, capabilities.CapabilityRules).rules:
        declared = rule.traits.model_dump(exclude_none=True)
        if declared:
            shown = ", ".join(
                f"`{name}: {json.dumps(value)}`".replace('"', "") for name, value in declared.items()
            )
            lines.append(f"| `{rule.host}` | `{rule.match}` | {shown} |")
    return "\n".join(lines)


def _shown(default: object) -> str:
    """Return the default as YAML; nothing if there is none."""
    if default in (None, "") or isinstance(default, BaseModel):
        return ""
    return f"`{json.dumps(default).removesuffix('.0')}`".replace('"', "")


def coderouter2_table() -> str:
    """Return every key of CodeRouter 2.x with what becomes of it; those that are ours as well are a row by section."""
    lines = ["| key | | what it becomes, or where to look instead |", "| --- | --- | --- |"]
    for section in dict.fromkeys(key.section for key in KEYS):
        rows = [key for key in KEYS if key.section == section]
        names = ", ".join(dict.fromkeys(f"`{key.name}`" for key in rows if key.is_ours))
        if names:
            lines.append(f"| {f'in `{section}`: ' if section else ''}{names} | same | |")
        lines += [f"| {_key_shown(key)} | {key.verdict} | {key.text} |" for key in rows if not key.is_ours]
    return "\n".join(lines)


def _key_shown(key: Key) -> str:
    """Return the key with the values that the row is about, and what has to be beside it."""
    values = ", ".join(str(value) or '""' for value in key.values)
    beside = " and ".join(f"`{name}`" for name in key.beside)
    return f"`{key.path}{f': {values}' if values else ''}`{f' with {beside}' if beside else ''}"


def probe_table() -> str:
    lines = ["| probe | question | a patch sets |", "| --- | --- | --- |"]
    lines += [f"| `{probe.name}` | {probe.question} | {probe.patched_fields} |" for probe in run.PROBES]
    return "\n".join(lines)


def verdict_table() -> str:
    lines = ["| verdict | meaning | exit code |", "| --- | --- | --- |"]
    lines += [f"| `{each}` | {meaning.text} | {meaning.exit_code} |" for each, meaning in MEANINGS.items()]
    return "\n".join(lines)


def tool_table() -> str:
    rows = (f"| {_started(agent)} | {_setting(agent)} | {_code(agent.profile)} |" for agent in AGENTS)
    return "\n".join(("| tool | setting | to send the profile |", "| --- | --- | --- |", *rows))


def agent_settings(key: str) -> str:
    """Return what `coderouter env` prints for the agent, as code."""
    agent = BY_KEY[key]
    shown = coderouter_prints("env", key)
    language = {"toml": "toml", "json": "json", "yaml": "yaml"}.get(agent.file.rpartition(".")[2], "text")
    if shown.startswith("export "):
        language = "text"
    return f"```{language}\n{shown.rstrip()}\n```"


def base_url_table() -> str:
    """Return what each agent requests with /v1 too many or missing, which the proxy answers with 404."""
    lines = [
        "| agent | right | wrong | then it requests | and gets 404 with |",
        "| --- | --- | --- | --- | --- |",
    ]
    for agent in AGENTS:
        right = f"http://127.0.0.1:4000{agent.base_path}"
        wrong = "http://127.0.0.1:4000" if agent.base_path else "http://127.0.0.1:4000/v1"
        path = agent.path.removeprefix("/v1") if agent.base_path else f"/v1{agent.path}"
        lines.append(f"| {agent.name} | `{right}` | `{wrong}` | `{path}` | {_sentence(path)} |")
    return "\n".join(lines)


def _sentence(path: str) -> str:
    """Return what the proxy says to the request, unless it serves that path as well."""
    sentences = (
        row.instead for row in UNSUPPORTED if any(compile_path(each)[0].match(path) for each in row.paths)
    )
    return next(sentences, SERVED_AS_WELL)


def _started(agent: Agent) -> str:
    """Return its name, and how it is started where its settings do not say so."""
    has_options = " " in agent.start and agent.start not in agent.line(Target())
    return f"{agent.name}, started with `{agent.start}`" if has_options else agent.name


def _setting(agent: Agent) -> str:
    """Return a command as code, and what is in a file with its name; instructions remain text."""
    text, file = agent.line(Target()), agent.line_goes_into
    code = text if text.startswith("“") else _code(text)
    return f"`{file}`: {code}" if file else code


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def cloud_table() -> str:
    lines = ["| variable | provider | model | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{each.variable}` | `{each.name}` | `{each.model}` | {each.remark} |" for each in clouds.CLOUDS
    ]
    return "\n".join(lines)


def adaptation_table() -> str:
    """Return every complaint of a provider that the proxy recognises, with the trait that answers it."""
    lines = ["| reason | the provider says | trait | |", "| --- | --- | --- | --- |"]
    lines += [f"| `{row.id}` | {row.recognised} | `{row.trait}` | {_remark(row)} |" for row in ADAPTATIONS]
    return "\n".join(lines)


def _remark(row: Adaptation) -> str:
    if row.last_resort:
        return "only after all other providers"
    return "" if row.remembered else "for this request only"


def room_table() -> str:
    """Return every folder of the packages with the first sentence of its `__init__.py`."""
    lines = ["| folder | holds |", "| --- | --- |"]
    for package in PACKAGES:
        for folder in sorted(path.parent for path in (ROOT / package).rglob("__init__.py")):
            place = folder.relative_to(ROOT).as_posix()
            sentence = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
            assert sentence
            lines.append(f"| [{place}]({place}) | {' '.join(sentence.split())} |")
    return "\n".join(lines)


@cache
def command_help(*command: str) -> str:
    return f"```\n{_prints(*command, '--help').rstrip()}\n```"


@cache
def coderouter_prints(*arguments: str) -> str:
    return _prints("coderouter", *arguments)


def _prints(program: str, *arguments: str) -> str:
    """Return what the command prints for a user with nothing of their own."""
    environment = clean_environment(COLUMNS="100", HOME="/home/you")
    ended = run_command.run((SCRIPTS / program, *arguments), environment, Path("/"))
    assert ended.code == 0, ended.stderr
    return ended.stdout


PRINTED: dict[str, Callable[[], str]] = {
    "events": event_table,
    "envelope": envelope_table,
    "api": endpoint_table,
    "metrics": table.metric_table,
    "metrics-compat": table.metric_table_2x,
    "rooms": room_table,
    "rotated-names": naming_table,
    **{f"fields-{name}": partial(field_table, section) for name, section in SECTIONS.items()},
    "known-traits": known_traits_table,
    "coderouter-serve": lambda: command_help("coderouter", "serve"),
    "coderouter-run": lambda: command_help("coderouter", "run"),
    "coderouter-service-install": lambda: command_help("coderouter", "service", "install"),
    **{f"coderouter-{name}": partial(command_help, "coderouter", name) for name in QUERIES},
    "coderouter-init": lambda: command_help("coderouter", "init"),
    "coderouter-check-config": lambda: command_help("coderouter", "check-config"),
    "coderouter-env": lambda: command_help("coderouter", "env"),
    "coderouter-reload": lambda: command_help("coderouter", "reload"),
    **{f"agent-{agent.key}": partial(agent_settings, agent.key) for agent in AGENTS if agent.key != "other"},
    "base-urls": base_url_table,
    "tools": tool_table,
    "clouds": cloud_table,
    "coderouter-doctor": lambda: command_help("coderouter", "doctor"),
    "adaptations": adaptation_table,
    "coderouter-keys": coderouter2_table,
    "doctor-probes": probe_table,
    "doctor-verdicts": verdict_table,
    "cr-exporter": lambda: command_help("cr-exporter"),
    "cr-exporter-fold": lambda: command_help("cr-exporter", "fold"),
    "cr-exporter-backfill": lambda: command_help("cr-exporter", "backfill"),
}


def printed(document: str) -> str:
    """Return the document with all its blocks as the code prints them now."""
    return BLOCK.sub(lambda block: f"{block[1]}{PRINTED[block[2]]()}\n{block[3]}", document)


if __name__ == "__main__":
    config_schema.PATH.write_text(config_schema.text(), encoding="utf-8")
    for path in DOCUMENTS:
        path.write_text(printed(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, page in man_pages.pages().items():
        (MAN / name).write_text(page, encoding="utf-8")
