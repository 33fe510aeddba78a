"""What the words around a call say about it: whether it is an example, or something that the model does."""

import re
from typing import Final

INTRO_CHARS_MAX: Final = 400

_EXAMPLE = re.compile(
    r"""\b(?:
        for[ ](?:example|instance) | e\.g | such[ ]as | (?:looks?[ ])?like[ ](?:this|so)\b
      | (?:an|this|following|another|simple|short|full|complete|minimal|typical)[ ]example
      | examples?[ ]?(?::|of\b|calls?\b|requests?\b|answers?\b|outputs?\b|usages?\b)
      | (?:models?|agents?|assistants?|clients?|servers?|templates?|users?)[ ]
        (?:would|could|can|might|may|must|should|writes?|emits?|sends?|answers?|returns?|produces?|outputs?)
      | (?:you|one|it|they|that|this)[ ](?:would|could|might)
      | wire[ ]form | notation | syntax | placeholder | (?:format|template|schema|form)[ ]is | (?:written|rendered)[ ]as
      | (?:put|paste|add|copy|save|use|insert|append|include)[ ](?:this|the[ ]following|it)\b
      | beispiele?\b | z\.[ ]?B\. | sieht[ ](?:\w+[ ])?so[ ]aus | exemples?\b | ejemplos?\b | esempio?\b
    )
    | ^\s*\\begin\{ | (?:\"{3}|'{3}|[=(\[{\\]\s*`?|:\s*\|[-+]?)$  # LaTeX, code, YAML
    | 例えば | たとえば | 例[:：] | 例如 | 比如 | 示例 | 예를 들어 | например""",  # noqa: RUF001
    re.IGNORECASE | re.VERBOSE,
)
_SPEAKS_OF_A_TEXT = re.compile(
    r"""\b(?:
        (?:outputs?|inputs?|responses?|completions?|answers?|repl(?:y|ies)|bod(?:y|ies)|payloads?|prompts?|templates?
          |formats?|excerpts?|fixtures?|samples?|transcripts?|logs?|schemas?|usage|style)\W*$
      | (?:sample|valid|correct|wrong|typical|legacy|raw)[ ](?:\w+[ ])?calls?\W*$
      | (?:as|is|are|was|be|in|with|of|like|form|gives?|shows?|produces?|sends?|match(?:es)?|equivalent|following|text
          |reproduction|illustration|seriali[sz]ation)\W*$
      | (?:wrote|captured|recorded|received|returned|sent|quotes|prints|printed|emitted|produced|generated
          |renders?|becomes?|contains|said|says|(?:begins|starts|ends)[ ]with|(?:input|output|answer)[ ](?:is|was)
          |what[ ].*\blooks?
          |turns?[ ](?:this|that|it)[ ]into|(?:you|one|users?|clients?)[ ](?:will[ ])?(?:get|see|have)
          |for[ ](?:comparison|reference)
        )\b
    )
    | ^\W*(?:given|compare|note|such|these|copy)\b
    | ^\W*\w+\W*[:：]$""",  # noqa: RUF001
    re.IGNORECASE | re.VERBOSE,
)
_IS_DONE = re.compile(
    r"""^\W*(?:
        here(?:['\u2019]s|[ ]is|[ ]are)[ ](?:the|my|your)[ ](?:\w+[ ]){0,2}(?:call|json|edit|fix|change|command|version)
      | okay | ok | sure | alright | right | yes | good | great | done | then | so | also | and | \w+ing
      | (?:add|apply|build|change|check|create|delete|edit|find|fix|inspect|install|list|move|open|read|remove|rename
          |replace|rewrite|run|save|search|start|update|view|write)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ANNOUNCED = re.compile(
    r"""\b(?:I['\u2019]?ll | I['\u2019]m | I[ ](?:will|shall|need|should|must|want|am|look|read|check|open|run|call)
      | let['\u2019]?s | let[ ]me | we['\u2019]ll | we[ ](?:will|need|should|must)
    )\b
    | ^\W*(?:now|next|first|calling|using|reading|running|checking|looking|searching|opening)\b""",
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip
_SHOWN = re.compile(r"\b(?:show|demonstrate|illustrate|explain|describe|document)", re.IGNORECASE)
_COLONS = frozenset(":：")  # noqa: RUF001
_SENTENCE_ENDS = frozenset(".!?…。！？")  # noqa: RUF001
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def intro_of(before: str) -> str:
    """Return the sentence that introduces what follows a text: the last of its last line that is not blank."""
    return _SENTENCE.split(before.rstrip().rpartition("\n")[2])[-1]


def announces_a_call(intro: str) -> bool:
    """Return whether the model says that it does something."""
    return bool(_ANNOUNCED.search(intro)) and not _SHOWN.search(intro)


def shows_an_example(intro: str) -> bool:
    """Return whether the model says that it shows something, or explains a text."""
    if announces_a_call(intro):
        return False
    return bool(_EXAMPLE.search(intro)) or (_is_open(intro) and bool(_SPEAKS_OF_A_TEXT.search(intro)))


def _is_open(intro: str) -> bool:
    """Return whether what follows belongs to the sentence."""
    return bool(intro) and intro[-1] not in _SENTENCE_ENDS and not _IS_DONE.match(intro)


def is_part_of_prose(intro: str, following: str, *, is_native: bool) -> bool:
    """Return whether a call belongs to the prose around it, given the character that follows on another line.

    A call in the form that its model was trained on is seldom an example; JSON in prose often is.
    """
    if announces_a_call(intro):
        return following.islower() and not is_native
    if shows_an_example(intro) or following.islower():
        return True
    return not is_native and bool(intro) and (bool(following) or (intro[-1] in _COLONS and _is_open(intro)))
