"""Documents read in a thread of their own, a few ahead of whoever takes them, so that parsing and indexing overlap."""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rag.documents import Document
from rag.errors import Unreadable
from rag.ingestion.readers import Readers
from rag.ingestion.sources import Item
from rag.settings import ReadingSettings

AHEAD = 4
Pending = tuple[Item, str, Future[Document | Unreadable]]
Read = tuple[Item, str, Document | Unreadable]


def read_ahead(items: Sequence[tuple[Item, str]], settings: ReadingSettings) -> Generator[Read]:
    """Each item with its fingerprint and its document, or why there is none, in order. Close it.

    Raises ReadersUnavailable.
    """
    pending: deque[Pending] = deque()
    readers = _ByCollection(settings)
    with ThreadPoolExecutor(1, thread_name_prefix="rag-read") as executor:
        try:
            for item, fingerprint in items:
                pending.append((item, fingerprint, executor.submit(readers.load, item)))
                if len(pending) > AHEAD:
                    yield _taken(pending)
            while pending:
                yield _taken(pending)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            readers.close()  # also ends what is being read, so that nobody waits for it


def _taken(pending: deque[Pending]) -> Read:
    item, fingerprint, document = pending.popleft()
    return item, fingerprint, document.result()


class _ByCollection:
    """A reading process that sees the files of one collection only: what took it over gets at no other's."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._readers = Readers(settings)
        self._collection: str | None = None

    def load(self, item: Item) -> Document | Unreadable:
        collection, _source = item.key
        if collection != self._collection:
            self._readers.end_process()
            self._collection = collection
        try:
            return item.load(self._readers)
        except Unreadable as error:
            return error

    def close(self) -> None:
        self._readers.close()
