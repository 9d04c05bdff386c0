"""An index of given documents in a folder of its own, to evaluate on."""

from collections.abc import Sequence

from rag.documents import Document
from rag.ingestion.pipeline import IngestReport, ingest
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import RemoteDocument
from rag.settings import RagSettings


def build_trial(settings: RagSettings, documents: Sequence[Document]) -> IngestReport:
    """Blocking. Raises RagError."""
    bare = settings.model_copy(update={"knowledge": [], "collections": {}})
    return ingest(bare, remote=[_item(document) for document in documents])


def _item(document: Document) -> RemoteDocument:
    source, collection = document.source, document.collection
    return RemoteDocument(source, document.title, document.link, "", lambda _: Parsed(document.text), collection)
