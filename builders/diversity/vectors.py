"""Embeddings as the metrics of meaning take them: finite, and of length one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def unit_vectors(embeddings: ArrayLike) -> NDArray[Any]:
    """The rows scaled to length one; float32 stays, anything else becomes float64.

    A row of zeros, which has no direction, stays zero: its cosine with every row is 0.

    Args:
        embeddings: shape (n, dimensions); finite.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    rows = np.asarray(embeddings)
    if rows.dtype != np.float32:
        rows = rows.astype(np.float64)
    if rows.shape == (0,):
        rows = rows.reshape(0, 0)
    if rows.ndim != 2:
        raise ValueError(f"embeddings of shape {rows.shape} are not (documents, dimensions)")
    if not np.isfinite(rows).all():
        raise ValueError("the embeddings hold a value that is not finite")
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    rows = rows / np.where(largest == 0, 1, largest)  # so that no square over- or underflows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[Any] = rows / np.where(lengths == 0, 1, lengths)
    return units
