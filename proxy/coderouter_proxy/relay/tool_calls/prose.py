"""What the words around a call say about it: whether it is an example, or something that the model does."""

import re
from typing import Final

INTRO_CHARS_MAX: Final = 400

_EXAMPLE = re.compile(
    r"""\b(?:
        for[ ](?:example|instance) | examples? | e\.g | such[ ]as | looks?[ ]like | like[ ](?:this|so)\b
      | (?:models?|agents?|assistants?|clients?|servers?|templates?|users?|you|one|it|they|which|that)[ ]
        (?:would|could|can|might|may|must|should|will|writes?|emits?|sends?|answers?|returns?|produces?|outputs?)
      | (?:wire[ ]form|notation|syntax|sample|documentation|placeholder|format[ ]is|written[ ]as|rendered[ ]as)
      | (?:put|paste|add|copy|save|use|insert|append|include)[ ](?:this|the[ ]following|it)
      | zum[ ]Beispiel | z\.[ ]?B\. | par[ ]exemple | por[ ]ejemplo | per[ ]esempio
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_EXAMPLE_ELSEWHERE = re.compile("例えば|たとえば|例:|例如|比如|示例|예를 들어|например", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"""\b(?:I['’]?ll | I[ ](?:will|shall|need|should|must|want|am) | I['’]m | let['’]?s | let[ ]me | we | now | next
      | first | then | calling | using | reading | running | checking | looking | searching | opening
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip


def intro_of(before: str) -> str:
    """Return the line that introduces what follows a text: its last one that is not blank."""
    return before.rstrip().rpartition("\n")[2]


def shows_an_example(intro: str) -> bool:
    return bool(_EXAMPLE.search(intro) or _EXAMPLE_ELSEWHERE.search(intro))


def announces_a_call(intro: str) -> bool:
    return not intro or bool(_ANNOUNCED.search(intro))
