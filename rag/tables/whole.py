"""The whole tables of the index's documents, put together from their chunks when a question needs them. Blocking.

Nothing is stored for them: chunks tile a document's text, so that an index of any earlier version, in either store, has
the tables already, and whoever may see a document's chunks sees its tables and nobody else. The last few are kept.
"""

import logging
import threading
from collections import OrderedDict

from rag.documents import Chunk
from rag.index.base.protocols import Chunks
from rag.index.base.types import Key
from rag.tables.reading import Lexicon
from rag.tables.scanning import tables_of

MOST_CHUNKS = 5_000
"""A longer document's tables are not computed: some fifty thousand rows, which take two seconds to type."""
KEPT_DOCUMENTS, KEPT_ROWS = 64, 150_000
_CUT_NOTE = "only the "
logger = logging.getLogger(__name__)


class WholeTables:
    """The tables of one opened index. Safe for several threads."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Lexicon, ...]] = OrderedDict()

    def of(self, key: Key) -> tuple[Lexicon, ...]:
        """The tables of a document, in order; none of one that is too long."""
        with self._lock:  # also while they are put together: two questions wait for one reading
            if key not in self._kept:
                self._kept[key] = tuple(Lexicon(table) for table in tables_of(self._all_chunks(key), self._cut(key)))
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and (len(self._kept) > KEPT_DOCUMENTS or self._rows() > KEPT_ROWS):
                self._kept.popitem(last=False)
            return self._kept[key]

    def _rows(self) -> int:
        return sum(len(lexicon.table.rows) for of_one in self._kept.values() for lexicon in of_one)

    def _all_chunks(self, key: Key) -> list[Chunk]:
        chunks = self._chunks.of_document(key, MOST_CHUNKS + 1)
        if len(chunks) > MOST_CHUNKS:
            logger.info("Tables of a document of more than %d chunks are not computed", MOST_CHUNKS)
            return []
        return chunks

    def _cut(self, key: Key) -> str:
        """What the readers said of rows that were not read."""
        known = self._chunks.document(key)
        return "; ".join(note for note in known.notes if _CUT_NOTE in note) if known is not None else ""
