"""Take job records one by one out of the JSON that sacct and slurmrestd print."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_SPACE = " \t\r\n\ufeff"
_BLOCK_BYTES = 4 * 1024 * 1024
_LONGEST_WORD = 9  # characters of '-Infinity', which says nothing before its last
_SHOWN = 800


class CutJsonError(Exception):
    """The text ends within a document; `text` is the start of what is incomplete."""

    def __init__(self, text: str = "") -> None:
        super().__init__("the JSON is cut")
        self.text = text


class BrokenJsonError(Exception):
    """What stands there is no JSON."""


@dataclass
class JsonFacts:
    """What the documents say beside their jobs; grows while the records are taken."""

    errors: list[Any] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    n_job_lists: int = 0
    n_bytes: int = 0


class JsonText:
    """The characters of a stream, a block at a time."""

    def __init__(self, head: bytes, stream: BinaryIO, facts: JsonFacts) -> None:
        self._stream = stream
        self._facts = facts
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._scan = json.JSONDecoder(strict=False).raw_decode
        self._is_ended = False
        self.buffer = ""
        self.at = 0
        self._append(head)

    def _append(self, block: bytes) -> None:
        self._facts.n_bytes += len(block)
        self.buffer = self.buffer[self.at :] + self._decode(block, final=not block)
        self.at = 0

    def _more(self) -> bool:
        if self._is_ended:
            return False
        block = self._stream.read(max(_BLOCK_BYTES, len(self.buffer) - self.at))
        self._is_ended = not block
        self._append(block)
        return True

    def peek(self) -> str:
        """Return the next character that is no space, '' at the end."""
        while True:
            while self.at < len(self.buffer) and self.buffer[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        """Step over one character.

        Raises
        ------
        CutJsonError, BrokenJsonError
            The text ends here, or something else stands here.
        """
        found = self.peek()
        if not found:
            raise CutJsonError
        if found not in expected:
            msg = f"'{found}' where '{expected}' should stand"
            raise BrokenJsonError(msg)
        self.at += 1

    def value(self) -> Any:  # noqa: ANN401  (JSON is any of them)
        """Return the value that begins here.

        Raises
        ------
        CutJsonError, BrokenJsonError
            The text ends within the value, or it is no JSON.
        """
        if not self.peek():
            raise CutJsonError
        while True:
            try:
                found, end = self._scan(self.buffer, self.at)
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    raise BrokenJsonError(error.msg) from error
                if not self._more():
                    raise CutJsonError(self.buffer[self.at : self.at + _SHOWN]) from error
                continue
            if end < len(self.buffer) or not self._more():
                self.at = end
                return found

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Say whether the text so far may be the beginning of a value."""
        is_open_string = error.msg.startswith("Unterminated string")
        return is_open_string or len(self.buffer) - error.pos <= _LONGEST_WORD


def job_records(head: bytes, stream: BinaryIO, facts: JsonFacts) -> Iterator[Any]:
    """Yield the elements of every `jobs` list at the top of the documents of a stream.

    Documents may follow each other; a document that is a list is taken for its jobs. `facts` grows
    as the text is read, and is whole when the last record has been taken.

    Raises
    ------
    CutJsonError
        The text ends within a document. All records before the end have been yielded.
    BrokenJsonError
        What stands there is no JSON.
    """
    text = JsonText(head, stream, facts)
    while text.peek():
        if text.peek() == "[":
            facts.n_job_lists += 1
            yield from _elements(text)
        else:
            yield from _members(text, facts)


def _members(text: JsonText, facts: JsonFacts) -> Iterator[Any]:
    text.take("{")
    while text.peek() != "}":
        key = text.value()
        text.take(":")
        facts.keys.add(str(key))
        if key == "jobs" and text.peek() == "[":
            facts.n_job_lists += 1
            yield from _elements(text)
        else:
            value = text.value()
            if key == "errors" and value:
                facts.errors.extend(value if isinstance(value, list) else [value])
        if text.peek() != "}":
            text.take(",")
    text.take("}")


def _elements(text: JsonText) -> Iterator[Any]:
    text.take("[")
    while text.peek() != "]":
        yield text.value()
        if text.peek() != "]":
            text.take(",")
    text.take("]")
