"""The metrics once more, by their definitions and with other means: strings, sets, loops, float64."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def compression_ratio(texts: Sequence[str], seed: int) -> float:
    def place(digest: bytes, number: int) -> bytes:
        return hashlib.blake2b(f"{seed} {number} ".encode() + digest, digest_size=16).digest()

    digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
    numbers = [digests[:i].count(digest) for i, digest in enumerate(digests)]
    order = sorted(range(len(texts)), key=lambda i: place(digests[i], numbers[i]))
    raw = " ".join(texts[i] for i in order).encode()
    return len(raw) / len(gzip.compress(raw))


def ngram_diversity(texts: Sequence[str], n: int) -> float:
    words = " ".join(texts).split(" ")
    grams = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else math.nan


def cosine_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    dot = squares = others = 0.0
    for left, right in zip(one.tolist(), other.tolist(), strict=True):
        dot += left * right
        squares += left * left
        others += right * right
    return 1 - dot / math.sqrt(squares * others)


def distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """All pairs, infinite from a document to itself."""
    n = len(vectors)
    found = np.full((n, n), math.inf)
    for i, j in itertools.combinations(range(n), 2):
        found[i, j] = found[j, i] = cosine_distance(vectors[i], vectors[j])
    return found


def remote_clique(vectors: NDArray[np.float64]) -> float:
    found = distances(vectors)
    return float(np.mean([np.mean(np.delete(row, i)) for i, row in enumerate(found)]))


def chamfer_distance(vectors: NDArray[np.float64]) -> float:
    return float(np.mean([min(row) for row in distances(vectors)]))


def vendi_score(vectors: NDArray[np.float64]) -> float:
    found = distances(vectors)
    similar = 1 - np.where(np.isinf(found), 0, found)
    values = [float(value) for value in np.linalg.svd(similar / len(vectors), compute_uv=False)]
    return math.exp(-sum(value * math.log(value) for value in values if value > 1e-15))


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.casefold().replace("\u2019", "'"))


def mif(texts: Sequence[str], reference: Sequence[str]) -> tuple[float, float]:
    """MIF and the mean of -ln p."""
    known = Counter(word for text in reference for word in words_of(text))
    size = sum(known.values()) + len(known) + 1
    shares = [(known[word] + 1) / size for text in texts for word in words_of(text)]
    return float(np.mean([1 / share for share in shares])), float(np.mean([-math.log(s) for s in shares]))


def near_duplicate_share(texts: Sequence[str], threshold: float = 0.7, words: int = 5) -> float:
    shingled = []
    for text in texts:
        spoken = words_of(text)
        whole = {tuple(spoken)} if spoken else set()
        shingled.append({tuple(spoken[i : i + words]) for i in range(len(spoken) - words + 1)} or whole)
    alike = set()
    for (i, one), (j, other) in itertools.combinations(enumerate(shingled), 2):
        if one and other and len(one & other) / len(one | other) >= threshold:
            alike |= {i, j}
    return len(alike) / len(texts)


def shared_opening_share(texts: Sequence[str], words: int = 5) -> float:
    openings = [words_of(text)[:words] for text in texts]
    return float(np.mean([bool(own) and openings.count(own) > 1 for own in openings]))
