"""Samples of equal size: as many documents and as many words from each corpus.

Every metric depends on how much text it sees: types over tokens fall and Chamfer distance shrinks
with every document more. So as many documents as the smallest corpus has are drawn from each, without
replacement. Their words are then made equal too: the sample with the fewest words sets the number,
and in the others the longest documents are cut, all at the same length, until the words agree
exactly. A sample says how many of its documents were cut, and at what length: where these are many,
the corpora have documents of different kinds, and what is compared is how they begin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A sample of a corpus.

    Attributes:
        texts: its documents, in the order of the corpus.
        n_words: their words, separated by white space.
        of_documents: documents of the whole corpus.
        of_words: words of the whole corpus.
        cut: documents that were cut.
        cut_at: words that are left of these; some may have one more. 0 where none is cut.
    """

    texts: tuple[str, ...]
    n_words: int
    of_documents: int
    of_words: int
    cut: int = 0
    cut_at: int = 0


def equal_samples(
    corpora: Sequence[Sequence[str]], *, seed: int = 0, documents: int | None = None
) -> list[Drawn]:
    """Samples of the corpora with equally many documents and equally many words.

    A corpus' sample depends on the seed and on the sizes of the others, not on their order.

    Args:
        corpora: the documents of each.
        seed: of what is drawn.
        documents: of a sample at most; by default as many as the smallest corpus has.
    """
    if not corpora:
        return []
    size = min([len(texts) for texts in corpora] + ([] if documents is None else [documents]))
    drawn = [[texts[i] for i in places(len(texts), size, seed=seed)] for texts in corpora]
    lengths = [_lengths(texts) for texts in drawn]
    words = min(int(own.sum()) for own in lengths)
    return [
        _shortened(texts, own, words, of=corpus)
        for texts, own, corpus in zip(drawn, lengths, corpora, strict=True)
    ]


def shortened(texts: Sequence[str], words: int) -> tuple[str, ...]:
    """Texts of which the longest are cut as in :func:`equal_samples`, so that so many words are left."""
    lengths = _lengths(texts)
    return _shortened(texts, lengths, min(words, int(lengths.sum())), of=texts).texts


def whole(texts: Sequence[str]) -> Drawn:
    """All of a corpus."""
    words = int(_lengths(texts).sum())
    return Drawn(texts=tuple(texts), n_words=words, of_documents=len(texts), of_words=words)


def cut(text: str, words: int) -> str:
    """The first words of a text, white space between them as it was; all of it where it has no more."""
    if words <= 0:
        return ""
    last = next(islice(_WORD.finditer(text), words - 1, None), None)
    return text if last is None else text[: last.end()]


def places(documents: int, size: int, *, seed: int) -> list[int]:
    """Which of so many documents a sample of `size` holds, in their order."""
    chosen = np.random.default_rng(seed).choice(documents, size, replace=False)
    return sorted(chosen.tolist())


def _lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter((len(text.split()) for text in texts), dtype=np.int64, count=len(texts))


def _shortened(texts: Sequence[str], lengths: NDArray[np.int64], words: int, *, of: Sequence[str]) -> Drawn:
    """Cut the longest documents so that `words` are left."""
    limits = _limits(lengths, words)
    shorter = limits < lengths
    return Drawn(
        texts=tuple(
            cut(text, int(limit)) if is_cut else text
            for text, limit, is_cut in zip(texts, limits, shorter, strict=True)
        ),
        n_words=words,
        of_documents=len(of),
        of_words=int(_lengths(of).sum()),
        cut=int(shorter.sum()),
        cut_at=int(limits[shorter].min()) if shorter.any() else 0,
    )


def _limits(lengths: NDArray[np.int64], words: int) -> NDArray[np.int64]:
    """Words that are left of each document: the largest common limit, and one more for the first few."""
    low, high = 0, int(lengths.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(lengths, middle).sum() <= words else (low, middle - 1)
    limits = np.minimum(lengths, low)
    one_more = np.flatnonzero(lengths > low)[: words - int(limits.sum())]
    limits[one_more] += 1
    return limits
