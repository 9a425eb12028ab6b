"""Embeddings of a corpus: each text once, kept by its content, in batches of like length.

The model and its windows are those of :mod:`builders.acceptance.embeddings`: all-MiniLM-L6-v2 reads 256
word pieces, so a document is embedded in windows of `WINDOW_WORDS` words and its vector is their mean.
The package `diversity` embeds what the model reads of a document and drops the rest; so does
`windows=False`.

A batch costs what its longest window costs, so windows are put into batches by their word pieces, counted
beforehand. Sorted by characters, as sentence-transformers does it, real text takes 1.1 to 1.4 times as long.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.acceptance.embeddings import MODEL, OFFLINE_PACKAGE, WINDOW_WORDS
from builders.acceptance.side_database import SideDatabase
from builders.embedded_model import cache_home
from builders.errors import UserError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

BATCH = 32
KEPT_TOGETHER = 1_024
"""Texts between two writes: what an interruption loses at most."""

_TABLES = """
CREATE TABLE IF NOT EXISTS embeddings (hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


class Embeddings:
    """Maps texts to vectors; computes those that its file does not hold yet.

    Args:
        where: file or connection, as in :class:`builders.acceptance.side_database.SideDatabase`.
        model: a Hub id or a folder, as sentence-transformers takes it.
        windows: embed all of a document, not only what the model reads at once.
        encode: what maps windows to unit vectors; by default the model.
        progress: told how many texts are done, and of how many.

    Raises:
        UserError: the extra `[metrics]` is not installed, there is no such model (both where a
            text is to be computed), or the file is damaged or cannot be written.
    """

    def __init__(
        self,
        where: sqlite3.Connection | Path | str,
        *,
        model: str = MODEL,
        windows: bool = True,
        encode: Callable[[list[str]], NDArray[np.float32]] | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self.name = f"{model}, " + (f"windows of {WINDOW_WORDS} words" if windows else "first window")
        self._model = model
        self._windows = windows
        self._encode = encode or partial(encode_windows, model)
        self._progress = progress
        self._database = SideDatabase(where, what="the embeddings", tables=_TABLES)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors, shape (n, dimensions)."""
        import numpy as np

        keys = [self._key(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if self._kept(key) is None}
        queue = sorted(missing.items(), key=lambda pair: len(pair[1]))
        for first in range(0, len(queue), KEPT_TOGETHER):
            self._progress(first, len(queue))
            self._compute(queue[first : first + KEPT_TOGETHER])
        self._progress(len(queue), len(queue))
        vectors = [np.frombuffer(self._kept(key) or b"", dtype="<f4") for key in keys]
        return np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)

    def close(self) -> None:
        """Close a file; a caller's connection stays open."""
        self._database.close()

    def _compute(self, queue: Sequence[tuple[bytes, str]]) -> None:
        windows = [list(self._cut(text)) for _, text in queue]
        flat = self._encode([window for own in windows for window in own])
        start = 0
        with self._database.transaction() as db:
            for (key, _), own in zip(queue, windows, strict=True):
                mean = flat[start : start + len(own)].mean(axis=0)
                start += len(own)
                db.execute(
                    "INSERT OR REPLACE INTO embeddings VALUES (?, ?)", (key, mean.astype("<f4").tobytes())
                )
        self._database.commit()

    def _cut(self, text: str) -> Iterator[str]:
        return cut(text) if self._windows else iter((text,))

    def _kept(self, key: bytes) -> bytes | None:
        with self._database.statements() as db:
            row = db.execute("SELECT vector FROM embeddings WHERE hash = ?", (key,)).fetchone()
        return row[0] if row else None

    def _key(self, text: str) -> bytes:
        named = f"{self.name}\n{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(named, digest_size=16).digest()


class WindowMeans:
    """Maps texts to vectors and keeps none of them: for an index that keeps its own.

    Raises:
        UserError: the extra `[metrics]` is not installed (with the first texts).
    """

    name = f"{MODEL}, windows of {WINDOW_WORDS} words"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors, shape (n, dimensions)."""
        import numpy as np

        windows = [list(cut(text)) for text in texts]
        flat = encode_windows(MODEL, [window for own in windows for window in own])
        ends = np.cumsum([len(own) for own in windows])
        return np.stack([part.mean(axis=0) for part in np.split(flat, ends[:-1])])


def cut(text: str) -> Iterator[str]:
    """A document as windows of `WINDOW_WORDS` words; one of no words for an empty one."""
    words = text.split()
    for start in range(0, max(len(words), 1), WINDOW_WORDS):
        yield " ".join(words[start : start + WINDOW_WORDS])


def encode_windows(name: str, windows: list[str]) -> NDArray[np.float32]:
    """Unit vectors of windows, encoded in batches of like length: shape (n, dimensions)."""
    import numpy as np

    model = loaded(name)
    order = np.argsort(_word_pieces(model, windows), kind="stable")
    batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    encoded = [
        model.encode(
            [windows[i] for i in batch],
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        for batch in batches
    ]
    vectors: NDArray[np.float32] = np.empty((len(windows), encoded[0].shape[1]), dtype=np.float32)
    vectors[order] = np.concatenate(encoded)
    return vectors


def _word_pieces(model: Any, windows: list[str]) -> list[int]:
    """What each window costs: the word pieces that are read of it; characters without such a tokenizer."""
    if not callable(model.tokenizer):
        return [len(window) for window in windows]
    longest = model.max_seq_length or None
    pieces = model.tokenizer(
        windows, truncation=longest is not None, max_length=longest, return_attention_mask=False
    )
    return [len(own) for own in pieces["input_ids"]]


@cache
def loaded(model: str) -> Any:
    """The model, on a GPU where there is one.

    Raises:
        UserError: the extra `[metrics]` is not installed, or there is no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UserError(
            "remote-clique, chamfer-distance and vendi-score need sentence embeddings: "
            "pip install 'metasynth[metrics]', or leave them out of --metrics"
        ) from None
    package = find_spec(OFFLINE_PACKAGE) if model == MODEL else None
    source = str(Path(package.origin).parent / "model") if package and package.origin else model
    try:
        return SentenceTransformer(source)
    except (OSError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(
            f"the embedding model {model} cannot be loaded ({why}): name a folder or another Hub id with "
            "--embedding-model, or go online"
        ) from None


def default_file() -> Path:
    """Where embeddings are kept: `metasynth/embeddings.sqlite` in the user's cache folder.

    Raises:
        UserError: the folder cannot be made.
    """
    folder = cache_home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot keep embeddings in {folder} ({error}): set XDG_CACHE_HOME") from None
    return folder / "embeddings.sqlite"
