"""What the words before a call say about it: whether it is an example, or something that the model does."""

import re
from typing import Final

INTRO_CHARS_MAX: Final = 400

_EXAMPLE = re.compile(
    r"""\b(?:
        for[ ](?:example|instance) | e\.g | such[ ]as | looks?[ ]like | like[ ](?:this|so)\b
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
    r"""\b(?:I['\u2019]?ll | I[ ](?:will|shall|need|should|must|want|am) | I['\u2019]m | let['\u2019]?s | let[ ]me
      | we['\u2019]ll | we[ ](?:will|need|should|must)
    )\b
    | ^\W*(?:now|next|first|calling|using|reading|running|checking|looking|searching|opening)\b""",
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip


def intro_of(before: str) -> str:
    """Return the line that introduces what follows a text: its last one that is not blank."""
    return before.rstrip().rpartition("\n")[2]


def shows_an_example(intro: str) -> bool:
    """Return whether what follows is shown to the reader instead of done."""
    return bool(_EXAMPLE.search(intro))


def announces_a_call(intro: str) -> bool:
    """Return whether the model says that it acts; saying nothing counts as well."""
    return not intro or bool(_ANNOUNCED.search(intro))
