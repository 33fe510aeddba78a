"""What has to work with a real model: chat, streams and an agent's answer on each wire, then `init` and `doctor`."""

import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from real_agents import totals
from real_agents.npm import pi
from real_agents.providers.kinds import KINDS, Kind
from real_agents.providers.templates import lenient
from real_agents.real_model import clients, server
from real_agents.real_model.server import MODEL, Counted, Server
from real_agents.run import OUTPUT_CHARS_MAX, Cell, Installed, start, workplace
from support.exporter.process import running_exporter
from support.proxy import process
from support.proxy.process import Proxy
from support.run_command import coderouter

NAME = "llama.cpp"
PROVIDER = "llamacpp"
TOKENS_MAX = 32
DOCTOR_S_MAX = 300
Problems = list[str]


def run(providers: Collection[str]) -> Iterator[Cell]:
    """Yield how each check went.

    Raises:
        NotInstalled
    """
    with server.serving() as llama, tempfile.TemporaryDirectory(prefix="coderouter-agents-") as name:
        for kind in KINDS:
            if kind.name in providers and kind.template is lenient:
                folder = Path(name, kind.name)
                folder.mkdir()
                yield from _over(kind, llama, folder)
        if "openai" in providers:
            yield _cell("init, doctor", "openai", lambda: _init_and_doctor(llama, Path(name)))


def _cell(check: str, provider: str, problems: Callable[[], Problems]) -> Cell:
    cell = Cell(f"{NAME}, {check}", server.PACKAGES.version, provider)
    started = time.monotonic()
    cell.problems += problems()
    cell.duration_s = round(time.monotonic() - started, 1)
    return cell


def _over(kind: Kind, llama: Server, folder: Path) -> Iterator[Cell]:
    entry = process.provider(PROVIDER, f"{llama.url}/v1", kind=kind.wire.kind) | {"model": MODEL}
    with process.serving(folder, process.config([entry])) as proxy:
        before = llama.counted()
        yield _cell("chat", kind.name, lambda: clients.problems(proxy, streams=False))
        yield _cell("stream", kind.name, lambda: clients.problems(proxy, streams=True))
        for api, wire in pi.APIS.items():
            row = pi.row(api, wire, max_tokens=TOKENS_MAX)
            installed = Installed(row, row.source.version, row.source.programs())
            yield _cell(row.title, kind.name, partial(_answered, installed, proxy, folder))
        yield _cell("counts", kind.name, lambda: _differences(proxy, llama, before))


def _answered(installed: Installed, proxy: Proxy, folder: Path) -> Problems:
    """Run an agent that only has to get an answer: a model as small as this one calls no tools."""
    ended = start(installed, workplace(folder, proxy.url, installed))
    if ended.code == 0 and ended.stdout.strip():
        return []
    return [f"it ended with {ended.code}: {ended.stdout} {ended.stderr[-OUTPUT_CHARS_MAX:]}"]


def _differences(proxy: Proxy, llama: Server, before: Counted) -> Problems:
    """Compare what the exporter counts with what the server counted itself."""
    proxy.command.stop()
    with running_exporter(proxy.events_path, state=proxy.events_path.with_name("state")) as exporter:
        counted = exporter.scrape()
    after = llama.counted()
    tokens = "coderouter_tokens_total"
    expected = {
        (tokens, ("input", MODEL, PROVIDER)): after.prompt - before.prompt,
        (tokens, ("output", MODEL, PROVIDER)): after.predicted - before.predicted,
        ("coderouter_usage_missing_total", (PROVIDER,)): 0,
        ("cr_exporter_exact", ()): 1,
    }
    return totals.compare(counted, expected)


def _init_and_doctor(llama: Server, folder: Path) -> Problems:
    """Set up from nothing, then let the doctor check the whole pipeline, and the model."""
    found: Problems = []
    begun = coderouter(folder, "init", "--non-interactive", "--probe", f"{PROVIDER}={llama.url}")
    config = folder / ".coderouter/providers.yaml"
    if begun.code or f"model: {MODEL}" not in config.read_text(encoding="utf-8"):
        return [f"init ended with {begun.code}: {begun.stdout} {begun.stderr}"]
    with ExitStack() as stack:
        proxy = stack.enter_context(process.serving(folder, config.read_text(encoding="utf-8")))
        events = proxy.events_path
        exporter = stack.enter_context(running_exporter(events, state=folder / "state"))
        urls = (
            "--proxy-url",
            f"http://127.0.0.1:{proxy.port}",
            "--exporter-url",
            f"http://127.0.0.1:{exporter.port}",
        )
        whole = coderouter(folder, "doctor", "--events", events, *urls)
        if whole.code:
            found.append(f"doctor ended with {whole.code}: {whole.stdout}")
    probed = coderouter(
        folder, "doctor", "--check-model", PROVIDER, "--timeout", "60", "--json", within_s=DOCTOR_S_MAX
    )
    try:
        verdicts = {check["check"]: check["verdict"] for check in json.loads(probed.stdout)["results"]}
    except (ValueError, LookupError, TypeError) as error:
        return [*found, f"the output of doctor cannot be read ({error!r}): {probed.stdout} {probed.stderr}"]
    # It calls no tools, and its context is small: the doctor has to say both.
    expected = {"chat": "OK", "tools": "NEEDS_TUNING", "leaks": "OK"}
    found += [
        f"the doctor finds {verdicts.get(check)} for {check}, not {verdict}"
        for check, verdict in expected.items()
        if verdicts.get(check) != verdict
    ]
    return found
