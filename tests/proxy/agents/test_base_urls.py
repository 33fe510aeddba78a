"""With a wrong base URL, each agent gets 404 and the sentence that the documents show."""

from pathlib import Path

from coderouter_proxy.agents.table import AGENTS
from support import docs
from support.proxy import process
from support.proxy.process import serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}


def test_what_the_documents_say_is_what_the_proxy_answers(tmp_path: Path) -> None:
    rows = [row.split(" | ") for row in docs.base_url_table().splitlines()[2:]]
    assert len(rows) == len(AGENTS)
    with serving(tmp_path, process.config([ECHO])) as proxy:
        for agent, (name, right, _, path, sentence) in zip(AGENTS, rows, strict=True):
            assert name == f"| {agent.name}"
            answer = proxy.post(b"{}", path=path.strip("`")).rest()
            served = sentence.removesuffix(" |") == docs.SERVED_AS_WELL
            assert answer.status == (400 if served else 404), name
            assert served or sentence.removesuffix(" |") in answer.json["error"]["message"], name
            requested = right.strip("`").partition(":4000")[2] + agent.path.removeprefix(agent.base_path)
            assert proxy.post(b"{}", path=requested).rest().status == 400, name
