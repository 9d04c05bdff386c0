"""A base for embedding models that tests write: what it takes to be asked questions; vectors are the test's own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class QuestionsOnly:
    """Reads every text whole, a token a character; a passage is never embedded."""

    max_tokens = 510

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise AssertionError(f"{len(texts)} passages were to be embedded")

    def count_tokens(self, text: str) -> int:
        return len(text)

    def unknown_share(self, text: str) -> float:
        return 0.0

    def close(self) -> None:
        pass
