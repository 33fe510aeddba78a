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
      | zum[ ]Beispiel | z\.[ ]?B\. | par[ ]exemple | por[ ]ejemplo | per[ ]esempio
    )
    | ^\W*(?:examples?|usage|format|syntax|output|response|schema|template)\W*$
    | 例えば | たとえば | 例: | 例如 | 比如 | 示例 | 예를 들어 | например""",
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
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def intro_of(before: str) -> str:
    """Return the sentence that introduces what follows a text: the last of its last line that is not blank."""
    return _SENTENCE.split(before.rstrip().rpartition("\n")[2])[-1]


def announces_a_call(intro: str) -> bool:
    """Return whether the model says that it does something."""
    return bool(_ANNOUNCED.search(intro)) and not _SHOWN.search(intro)


def shows_an_example(intro: str) -> bool:
    """Return whether the model says that it shows something."""
    return bool(_EXAMPLE.search(intro)) and not announces_a_call(intro)


def is_part_of_prose(intro: str, following: str, *, is_native: bool) -> bool:
    """Return whether a call belongs to the prose around it, given the character that follows on another line.

    A call in the form that its model was trained on is seldom an example; JSON in prose often is.
    """
    if shows_an_example(intro) or following.islower():
        return True
    return bool(following and intro) and not (is_native or announces_a_call(intro))
