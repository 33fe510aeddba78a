import ast
from collections.abc import Iterator
from pathlib import Path

import coderouter_exporter

PACKAGE = Path(coderouter_exporter.__file__).parent
# Each layer may import those to the right of it.
LAYERS = (
    "cli stats",
    "serve watching",
    "app server web ask screen",
    "dashboard_files report finished backfill watch webconfig presence",
    "negotiate charts health",
    "exposition gathered",
    "gauges",
    "view",
    "follow",
    "sources",
    "tail",
    "ledger",
    "followed",
    "contents",
    "siblings fold store history",
    "remember plans",
    "state families",
    "journal minutes sequences families_proxy families_exporter",
    "columns sketch",
    "records family systemd tls",
)


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "coderouter_exporter":
            yield from (f"coderouter_exporter.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_of_the_proxy_only_the_contract_is_imported() -> None:
    of_the_proxy = {
        name
        for module in PACKAGE.glob("*.py")
        for name in imported(module)
        if name.startswith("coderouter_proxy")
    }
    assert of_the_proxy == {"coderouter_proxy.events"}


def test_imports_go_one_way() -> None:
    rank = {name: number for number, layer in enumerate(LAYERS) for name in layer.split()}
    modules = {module.stem: module for module in PACKAGE.glob("*.py") if module.stem != "__init__"}
    assert rank.keys() == modules.keys()
    for name, module in modules.items():
        for target in imported(module):
            package, _, inner = target.partition(".")
            if package == "coderouter_exporter":
                assert rank[inner] > rank[name], f"{name} imports {inner}"
