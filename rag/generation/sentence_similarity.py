"""How near sentences are in meaning to a question, by the index's own embedding model; vectors are kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.embedding import Embedder
from rag.text.tokenizer import embeddable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_KEPT = 4_096


class SentenceNearness:
    """Of one model. Blocking, safe from several threads: the sentences of popular passages are embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosines, in the order of the texts. Raises EmbeddingFailed."""
        asked = self.embedder.embed_question(embeddable(question))
        wanted = [embeddable(text) for text in texts]
        with self._lock:
            known = {text: self._kept[text] for text in wanted if text in self._kept}
        missing = list(dict.fromkeys(text for text in wanted if text not in known))
        if missing:
            known |= dict(zip(missing, self.embedder.embed_passages(missing), strict=True))
        with self._lock:
            for text in wanted:
                self._kept[text] = known[text]
                self._kept.move_to_end(text)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return [float(known[text] @ asked) for text in wanted]
