"""Remove thinking from an answer: tags, channels and phrases that models write around it, or only after it."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from coderouter_proxy.relay.marks import ANYTHING, Marks
from coderouter_proxy.relay.markup import ANSWER, HARMONY, PREFILLED, THINKING, AnswerTag, ThinkingTag
from coderouter_proxy.relay.output_filters.filter import Edges, Filtered, Thought
from coderouter_proxy.relay.prose import Mark, Scanner

HELD_CHARS_MAX: Final = 64 * 1024
"""Of text that may turn out to be thinking; more is passed on as text."""

_BETWEEN_TAGS = re.compile(
    r"[\W_]*(?:and|or|to|through|und|et|y)?[\W_]*"
)  # of a sentence: "<think> and </think>"
_PREFILLED_CHARS_MAX = 64

_STARTS = ("", "<|start|>assistant")
_ANALYSIS = [f"{start}<|channel|>analysis{ANYTHING}<|message|>" for start in _STARTS]
_FINAL = [f"{start}<|channel|>final{ANYTHING}<|message|>" for start in _STARTS]
_COMMENTARY = [f"{start}<|channel|>commentary{ANYTHING}<|message|>" for start in _STARTS]
_RETURN = "<|return|>"
_OTHER_STARTS = frozenset(HARMONY.closers[1:])


def _openers(tag: ThinkingTag) -> list[str]:
    if tag is HARMONY:
        return _ANALYSIS
    has_attributes = tag.opener.startswith("<") and tag.opener[1].isalpha()
    return [tag.opener, f"{tag.opener[:-1]} {ANYTHING}>"] if has_attributes else [tag.opener]


OPENERS: Final = {opener: tag for tag in THINKING for opener in _openers(tag)}
CLOSERS: Final = {closer for tag in THINKING for closer in tag.closers}
ORPHANS: Final = CLOSERS - set(HARMONY.closers)
"""Closers that only thinking has, so that what precedes one of them is thinking even without an opener."""
_WORDS = {closer for tag in THINKING if tag.is_word for closer in tag.closers}
_ANSWER_OPENERS = {tag.opener: tag for tag in ANSWER}
_ANSWER_CLOSERS = {tag.closer: tag for tag in ANSWER if tag.closer not in CLOSERS}
_ENDS = {end: start for start, end in PREFILLED}


@cache
def _marks(*, at_start: bool) -> Marks:
    """Return what to look for: phrases only where a text may turn out to be thinking."""
    phrases = list(_ENDS) if at_start else []
    tags = [*OPENERS, *CLOSERS, *_ANSWER_OPENERS, *_ANSWER_CLOSERS, *_FINAL, *_COMMENTARY, _RETURN]
    return Marks([*tags, *phrases])


@dataclass(slots=True)
class _Held:
    """Text that is thinking if a closer follows.

    Either it is at the start of an answer, where templates may have written the opener, or it follows an opener that
    may as well be the mention of one, whose `tag` it then has.
    """

    texts: list[str]
    tag: ThinkingTag | None = None
    chars: int = 0

    def starts_with(self, words: str) -> bool:
        start = ""
        for text in self.texts:
            start = (start + text[:_PREFILLED_CHARS_MAX]).lstrip()
            if len(start) >= len(words):
                break
        return start.startswith(words)


class StripThinking:
    """Takes out what is between the tags of `THINKING`, and everything after one that is never closed.

    What precedes a closer without an opener is thinking too, if the answer starts with it; so the start of an answer is
    held back until a tag or the end decides, or `HELD_CHARS_MAX`. Tags in code are text.
    """

    def __init__(self) -> None:
        self.changed = False
        self._at_start, self._later = _marks(at_start=True), _marks(at_start=False)
        self._scanner = Scanner(self._at_start)
        self._held: _Held | None = _Held([])
        self._tag: ThinkingTag | None = None
        self._depth = 0
        self._answer: AnswerTag | None = None
        self._follows_thinking = False
        self._text = Edges()
        self._thought = Edges()
        self._thought.cut()
        self._out: Filtered = []

    def feed(self, text: str) -> Filtered:
        self._scanner.feed(text)
        for found in self._scanner.read():
            self._read(found)
        return self._taken()

    def end(self) -> Filtered:
        for found in self._scanner.end():
            self._read(found)
        self._release()
        self._end_thought()
        self._put(self._text.end())
        self._tag, self._depth, self._answer, self._follows_thinking = None, 0, None, False
        return self._taken()

    def _taken(self) -> Filtered:
        out, self._out = self._out, []
        return out

    def _read(self, found: str | Mark) -> None:
        if isinstance(found, str):
            self._add(found)
        elif found.is_quoted:
            self._add(found.text)
        elif self._tag is not None:
            self._read_in_thinking(found, self._tag)
        elif found.in_block or not self._read_in_text(found):
            self._add(found.text)

    def _read_in_thinking(self, mark: Mark, tag: ThinkingTag) -> None:
        """Read a mark; a block does not hide a closer here, because models end thinking in the middle of one."""
        closes = mark.mark in tag.closers or (tag is HARMONY and _is_header(mark.mark))
        if closes:
            self._close(mark)
        elif OPENERS.get(mark.mark) is tag and not mark.in_block and not mark.is_spoken_of:
            self._depth += 1
        else:
            self._add(mark.text)

    def _read_in_text(self, mark: Mark) -> bool:
        """Return whether the mark is more than text."""
        tag = OPENERS.get(mark.mark)
        if tag is not None:
            return self._open(mark, tag)
        if self._held is not None:
            if self._held.tag is not None and mark.mark in self._held.tag.closers:
                return self._close_mention(mark, self._held)
            if self._is_prefilled(mark, self._held):
                self._close_held(mark, self._held)
                return True
        if mark.mark in ORPHANS and mark.mark not in _WORDS and not mark.is_spoken_of:
            self._cut()
            return True
        return self._is_around_answer(mark)

    def _open(self, mark: Mark, tag: ThinkingTag) -> bool:
        self._release()
        if tag.is_word and not mark.opens_line:
            return False
        if mark.is_spoken_of:
            self._hold([mark.text], tag)
            return True
        self._cut()
        self._tag, self._depth = tag, 1
        return True

    def _is_prefilled(self, mark: Mark, held: _Held) -> bool:
        """Return whether the mark ends thinking that the answer started with."""
        if mark.mark in _ENDS:
            return held.starts_with(_ENDS[mark.mark])
        return mark.mark in ORPHANS or mark.mark in _FINAL

    def _close_mention(self, mark: Mark, held: _Held) -> bool:
        """Return whether an opener that may be a mention was an opener, now that its closer is known."""
        if _BETWEEN_TAGS.fullmatch("".join(held.texts[1:])):
            self._release()
            return False
        del held.texts[0]
        self._close_held(mark, held)
        return True

    def _close_held(self, mark: Mark, held: _Held) -> None:
        self._held = None
        self._tag = held.tag or THINKING[0]
        self._depth = max(self._depth, 1)
        for text in held.texts:
            self._add(text)
        self._close(mark)

    def _is_around_answer(self, mark: Mark) -> bool:
        tag = _ANSWER_OPENERS.get(mark.mark)
        closed = _ANSWER_CLOSERS.get(mark.mark)
        if tag is not None and (self._follows_thinking or not tag.is_word):
            self._answer = tag
        elif closed is not None and (closed is self._answer or not closed.is_word):
            self._answer = None
        elif mark.mark != _RETURN and not (_is_header(mark.mark) and " to=" not in mark.text):
            return False
        self._release()
        self._cut()
        return True

    def _close(self, mark: Mark) -> None:
        self._end_thought()
        self._tag = None
        self._depth -= 1
        self._scanner.restart()
        self._scanner.marks = self._later
        self._cut()
        self._follows_thinking = True
        self._answer = _ANSWER_OPENERS.get(mark.mark)
        if (
            self._depth
        ):  # of two openers only one is closed: what follows is the rest of the outer one, or the answer
            self._hold([], None)
        if mark.mark in _OTHER_STARTS or " to=" in mark.text:
            self._add(mark.text)

    def _hold(self, texts: list[str], tag: ThinkingTag | None) -> None:
        self._held = _Held(texts, tag)
        self._scanner.marks = self._at_start

    def _release(self) -> None:
        """Pass on what is held, which is text."""
        held, self._held = self._held, None
        self._depth = 0
        self._scanner.marks = self._later
        for text in held.texts if held else ():
            self._add(text)

    def _add(self, text: str) -> None:
        held = self._held
        if held is not None:
            held.texts.append(text)
            held.chars += len(text)
            if held.chars > HELD_CHARS_MAX:
                self._release()
        elif self._tag is not None:
            if thought := self._thought.add(text):
                self._out.append(Thought(thought))
        else:
            self._follows_thinking = self._follows_thinking and not text.strip()
            self._put(self._text.add(text))

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)

    def _cut(self) -> None:
        self.changed = True
        self._text.cut()

    def _end_thought(self) -> None:
        """Drop the white space at the end of a thought, which only separates it from its closer."""
        self._thought.cut()
        self._thought.end()
        self._thought.cut()


def _is_header(mark: str) -> bool:
    return mark in _FINAL or mark in _COMMENTARY
