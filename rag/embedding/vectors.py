"""Vectors as every provider gives them: float32, finite, of unit length."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rag.errors import EmbeddingFailed


def unit(vectors: ArrayLike) -> NDArray[np.float32]:
    """Rows scaled to length 1, shape kept as (rows, dimension). Raises EmbeddingFailed for a zero row."""
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise EmbeddingFailed("The embedding model gave vectors of differing lengths")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise EmbeddingFailed("The embedding model gave a vector that is zero or not finite")
    return np.ascontiguousarray(rows / lengths, dtype=np.float32)
