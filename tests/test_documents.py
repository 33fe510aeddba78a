"""Documents agree with the code."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from coderouter_proxy.config.schema import Config
from support import docs

ROOT = docs.ROOT


@pytest.mark.parametrize("path", docs.DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_printed_blocks_are_what_the_code_prints_now(path: Path) -> None:
    document = path.read_text(encoding="utf-8")
    assert document == docs.printed(document), "run `make docs`"


def test_every_block_that_can_be_printed_is_in_a_document() -> None:
    shown = {block[2] for path in docs.DOCUMENTS for block in docs.BLOCK.finditer(path.read_text())}
    assert shown == set(docs.PRINTED)


def test_links_between_documents_point_to_files_that_exist() -> None:
    for path in docs.DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_file_the_architecture_names_exists() -> None:
    roots = ("", "proxy", "proxy/coderouter_proxy", "exporter/coderouter_exporter")
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w.<>-]+(?:/[\w.<>-]+)+/?)`", text):
        pattern = name.replace("<wire>", "*").rstrip("/")
        assert any(list((ROOT / root).glob(pattern)) for root in roots), name


def test_every_make_target_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in docs.DOCUMENTS:
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, f"{path.name} names make {named - targets}"


def test_every_section_of_providers_yaml_is_in_the_reference() -> None:
    found: set[type[BaseModel]] = set()

    def walk(annotation: object) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in found:
            found.add(annotation)
            for field in annotation.model_fields.values():
                walk(field.annotation)
        for inner in getattr(annotation, "__args__", ()):
            walk(inner)

    walk(Config)
    assert found <= set(docs.SECTIONS.values())


def test_an_option_that_a_document_names_is_one_that_a_command_has() -> None:
    help_texts = "".join(
        block() for name, block in docs.PRINTED.items() if name.startswith(("coderouter", "cr-"))
    )
    for path in docs.DOCUMENTS:
        text = docs.BLOCK.sub("", path.read_text(encoding="utf-8"))
        lines = re.findall(
            r"(?:^|`)(?:coderouter|cr-exporter)(?: [a-z-]+)?((?: --[a-z.-]+(?:[ =]\S+)?)+)",
            text,
            re.MULTILINE,
        )
        for option in re.findall(r"--[a-z.-]+", " ".join(lines)):
            assert f"{option} " in help_texts or f"{option}\n" in help_texts, f"{path.name} names {option}"


def test_links_to_a_section_point_to_a_heading_that_exists() -> None:
    for path in docs.DOCUMENTS:
        for target, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")
        ):
            linked = (path.parent / target).resolve() if target else path
            assert anchor in anchors(linked), f"{path.name} links to {target}#{anchor}"


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_lists_every_document_and_each_links_back() -> None:
    readme = ROOT / "README.md"
    index = readme.read_text(encoding="utf-8").partition("\n## Documentation\n")[2]
    listed = {(ROOT / target).resolve() for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", index)}
    for path in docs.DOCUMENTS:
        if path != readme:
            assert path in listed, f"README.md does not list {path.relative_to(ROOT)}"
            links = re.findall(r"\]\(([^)]*README\.md)#documentation\)", path.read_text(encoding="utf-8"))
            assert readme in {(path.parent / link).resolve() for link in links}, path.name


def test_every_page_of_the_repository_is_checked() -> None:
    pages = {path for path in ROOT.rglob("*.md") if not path.relative_to(ROOT).as_posix().startswith(".")}
    assert pages == set(docs.DOCUMENTS)
