"""Write a file of CodeRouter 2.x with the names of ours."""

import re
from collections import Counter
from collections.abc import Sequence

import yaml

from coderouter_proxy.config import load, validation
from coderouter_proxy.config.coderouter2 import plan, text_edit
from coderouter_proxy.config.coderouter2.notes import Note
from coderouter_proxy.config.coderouter2.text_edit import CannotEdit
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors

BY_HAND = "change the keys that `coderouter check-config` lists by hand"


class CannotMigrate(Exception):
    """The file cannot be rewritten; the message says why and what to do."""


def migrated(text: str, source: str) -> tuple[str, Sequence[Note]]:
    """Return the text with our names, which means the same, and what has changed; `source` is how errors name it.

    Raises:
        ConfigErrors: with every error of the text.
        CannotMigrate
    """
    config, notes = load.read(text, source)
    if not notes:
        return text, notes
    document = validation.decoded(text, source, Config)
    planned = plan.plan(document.data)
    if not config.providers:
        raise CannotMigrate(f"{source}: all of its providers are skipped, so nothing is left to write")
    result = ""
    try:
        result = text_edit.edited(text, document.node, document.data, planned.edits)
        same = load.read(result, source)[0] == config
    except CannotEdit as error:
        raise CannotMigrate(f"{source}: {error}; {BY_HAND}") from None
    except ConfigErrors:
        same = False
    if not same or not keeps_comments(text, result):
        raise CannotMigrate(f"{source}: is written in an unusual way; {BY_HAND}")
    return result, notes


def keeps_comments(before: str, after: str) -> bool:
    """Return whether all comments are still there, alone or at the end of a key that has become a comment."""
    found = comments(after)
    found.update([text[text.index("#", 1) :] for text in found.elements() if "#" in text[1:]])
    return found >= comments(before)


def comments(text: str) -> Counter[str]:
    """Return the comments: everything from a # between two tokens to the end of its line."""
    found: Counter[str] = Counter()
    end = 0
    for token in yaml.scan(text):
        found.update(re.findall(r"#[^\r\n]*", text[end : token.start_mark.index]))
        end = token.end_mark.index
    return found
