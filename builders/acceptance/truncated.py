"""An end: the model finished its last sentence before it ran out of tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.acceptance.words import excerpt

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate

_TERMINAL = re.compile(r"""[.!?\u2026|](?:\s?["'\u201d\u2019\u00bb)\]*_`]|\[\d+\])*$""")
_BULLET = re.compile(r"\s*(?:[-*\u2022\u2013]|\d{1,2}[.)])\s")
_PARTICLES = frozenset(
    {"a", "an", "and", "at", "by", "de", "for", "in", "of", "on", "or", "the", "to", "with"}
)
_MAX_SIGNATURE_WORDS = 8


@dataclass(frozen=True, slots=True)
class Truncated:
    """Wants terminal punctuation at the end, or a line that is whole without it.

    Whole without it are a signature, date or title on a line of its own (``Dr. Jane Doe,
    Chief Medical Officer``) and the last item of a list whose other items end bare too.
    """

    name: ClassVar[str] = "truncated"

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``truncated``, quoting the end."""
        text = candidate.text.rstrip()
        *earlier, last = text.splitlines() or [""]
        if _TERMINAL.search(last) or (earlier and (_is_signature(last) or _ends_a_list(earlier, last))):
            return None
        return Rejection("truncated", f"breaks off: {excerpt('...' + last[-60:])}")


def _is_signature(line: str) -> bool:
    words = line.split()
    return (
        0 < len(words) <= _MAX_SIGNATURE_WORDS
        and not line.endswith((",", "-", "\u2013", ":", ";"))
        and words[-1].lower() not in _PARTICLES
        and all(not word[0].islower() or word in _PARTICLES for word in words)
    )


def _ends_a_list(earlier: list[str], last: str) -> bool:
    if not _BULLET.match(last):
        return False
    return any(_BULLET.match(line) and not _TERMINAL.search(line.rstrip()) for line in earlier)
