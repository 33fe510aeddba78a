"""`coderouter explain-route`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start

if TYPE_CHECKING:
    from coderouter_proxy.request import ClientRequest
    from coderouter_proxy.routing.explain import Explanation
    from coderouter_proxy.settings.launch import Settings

REFUSED = 1
WIRES = ("openai", "anthropic", "responses", "embeddings", "rerank")
COOLDOWNS = "Cooldowns are known only to the running proxy."
STAYS = "Which provider a conversation stays with is known only to the running proxy: this is the order for a new one."


@click.command("explain-route")
@click.argument("file", required=False, type=click.File("rb"))
@options.CONFIG
@options.MODE
@options.EVENTS
@options.ENV_FILES
@options.ENV_FILE_OVERRIDE
@click.option(
    "--model",
    envvar="CODEROUTER_EXPLAIN_ROUTE_MODEL",
    show_envvar=True,
    help="Model that the request names, instead of the one in FILE.",
)
@click.option(
    "--header",
    "headers",
    metavar="NAME:VALUE",
    multiple=True,
    envvar="CODEROUTER_EXPLAIN_ROUTE_HEADER",
    show_envvar=True,
    help="Header of the request. Repeatable.",
)
@click.option(
    "--wire",
    type=click.Choice(WIRES),
    envvar="CODEROUTER_EXPLAIN_ROUTE_WIRE",
    show_envvar=True,
    help="API of the client, if the request does not show it.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_EXPLAIN_ROUTE_JSON",
    show_envvar=True,
    help="Print JSON.",
)
def explain_route(
    *,
    file: BinaryIO | None,
    config: Path | None,
    mode: str | None,
    events: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    model: str | None,
    headers: tuple[str, ...],
    wire: str | None,
    as_json: bool,
) -> None:
    """Print which profile and providers would get a request, and why. No provider gets anything.

    FILE holds the request: its JSON body, or its head as in HTTP, an empty line, and the body; `-` is stdin. Without
    FILE, the request is a short question.
    """
    import asyncio  # noqa: PLC0415 - quick help

    import orjson  # noqa: PLC0415

    from coderouter_proxy.commands import given_request  # noqa: PLC0415
    from coderouter_proxy.config import env_files as envfiles  # noqa: PLC0415
    from coderouter_proxy.config import load, validation  # noqa: PLC0415
    from coderouter_proxy.errors import HttpError  # noqa: PLC0415
    from coderouter_proxy.routing import profiles  # noqa: PLC0415
    from coderouter_proxy.settings.launch import LaunchOptions, read_settings  # noqa: PLC0415

    given = file.read() if file is not None else b""
    try:
        options.read_env_files(env_files, override=env_file_override)
        launch = LaunchOptions(
            config_path=load.find(config),
            mode=mode,
            mode_source=options.mode_source(),
            events_path=options.events_path(events),
        )
        settings = read_settings(launch)
    except (validation.ConfigErrors, profiles.UnknownMode, envfiles.EnvFileError) as error:
        fail_start(error)
    try:
        request = given_request.request_in(given, model, headers, wire)
        explanation = asyncio.run(_explained(request, settings))
    except HttpError as error:
        if as_json:
            refused = {"status": error.status, "code": error.code, "message": error.message}
            click.echo(orjson.dumps({"refused": refused}, option=orjson.OPT_INDENT_2))
        else:
            click.echo(f"refused with {error.status}: {error.message}")
        raise SystemExit(REFUSED) from None
    shown = _shown(request, explanation, settings)
    if as_json:
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(_lines(shown, explanation)))


async def _explained(request: "ClientRequest", settings: "Settings") -> "Explanation":
    from coderouter_proxy.providers.transport import Transport  # noqa: PLC0415 - quick help
    from coderouter_proxy.routing.contexts import Contexts  # noqa: PLC0415
    from coderouter_proxy.routing.explain import explain  # noqa: PLC0415
    from coderouter_proxy.server.reload import new_routing  # noqa: PLC0415
    from coderouter_proxy.settings import effective  # noqa: PLC0415

    async with Transport() as transport:
        contexts = Contexts(settings.contexts_path, earlier_windows=True)
        return await explain(request, new_routing(settings, transport), effective.spent(settings), contexts)


def _shown(request: "ClientRequest", explanation: "Explanation", settings: "Settings") -> dict[str, Any]:
    from coderouter_proxy.providers import keys  # noqa: PLC0415 - quick help
    from coderouter_proxy.senders.session import slot  # noqa: PLC0415
    from coderouter_proxy.settings import effective  # noqa: PLC0415

    sender, choice, session = explanation.sender, explanation.choice, request.session
    resolved = choice.resolved
    providers = []
    for place in explanation.places:
        provider = settings.config.provider(place.provider)
        keyless = place.tried and provider is not None and not keys.has_key(provider)
        slots = provider.slot_affinity_slots if provider else None
        providers.append(
            {
                "provider": place.provider,
                "model": provider.model if provider else None,
                "tried": place.tried,
                "remarks": [
                    *place.remarks,
                    *([effective.without_key(provider)] if keyless and provider else []),
                    *([f"id_slot {slot(session, slots)} of {slots}"] if session and slots else []),
                ],
            }
        )
    return {
        "wire": request.ingress,
        "agent": sender.agent,
        "request_class": sender.request_class,
        "agent_type": sender.agent_type,
        "session": session and {"from": session.source, "stays_minutes": explanation.stays_minutes},
        "requested_model": request.requested_model,
        "profile": choice.profile.name,
        "chosen_by": choice.way.name,
        "detail": choice.detail,
        "estimated_tokens": explanation.estimate,
        "tool_loop": {"repeats": explanation.repeats, "action": choice.profile.tool_loop}
        if explanation.repeats
        else None,
        "auto_router": resolved and {"rule_id": resolved.rule_id, "signals": resolved.signals},
        "providers": providers,
    }


def _lines(shown: dict[str, Any], explanation: "Explanation") -> Iterator[str]:
    from coderouter_proxy.routing.choice import WAYS  # noqa: PLC0415 - quick help

    kind = f" ({shown['agent_type']})" if shown["agent_type"] else ""
    yield f"wire             {shown['wire']}"
    yield f"agent            {shown['agent']}"
    yield f"request class    {shown['request_class'] or 'not given'}{kind}"
    yield f"session          {_session(shown['session'])}"
    yield f"requested model  {shown['requested_model'] or 'none'}"
    yield f"profile          {shown['profile']}"
    for way in WAYS:
        if way is explanation.choice.way:
            yield f"chosen by        {way.name}: {shown['detail']}"
            break
        yield f"not by           {way.name}"
    if (auto := shown["auto_router"]) is not None:
        rule = f"rule {auto['rule_id']}" if auto["rule_id"] else "no rule matches"
        signals = ", ".join(f"{name}: {value}" for name, value in auto["signals"].items())
        yield f"auto router      {rule}{f' ({signals})' if signals else ''}"
    if shown["estimated_tokens"] is not None:
        yield f"length           about {shown['estimated_tokens']:,} tokens"
    if (loop := shown["tool_loop"]) is not None:
        yield f"tool loop        {loop['repeats']} times the same call: {loop['action']}"
    yield ""
    number = 0
    for each in shown["providers"]:
        number += each["tried"]
        mark = f"{number}." if each["tried"] else "- "
        model = f" ({each['model']})" if each["model"] else ""
        remarks = "".join(f"; {remark}" for remark in each["remarks"])
        yield f"{mark} {each['provider']}{model}{remarks}"
    known = ([COOLDOWNS] if explanation.choice.profile.cooldown else []) + (
        [STAYS] if explanation.stays_minutes is not None else []
    )
    if known:
        yield ""
    yield from known


def _session(shown: dict[str, Any] | None) -> str:
    if shown is None:
        return "none"
    minutes = shown["stays_minutes"]
    stays = (
        "" if minutes is None else f"; stays for {minutes:g} minutes with a provider that it had to move to"
    )
    return f"by {shown['from']}{stays}"
