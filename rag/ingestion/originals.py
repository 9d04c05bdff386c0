"""The file that a document of the index was read from, for who wants to see it as it is."""

from rag.errors import IngestError
from rag.ingestion.selection import select
from rag.settings import RagSettings


def read_original(settings: RagSettings, collection: str, source: str) -> bytes | None:
    """Its bytes now; None where no folder gives a file of this name to this collection any more, as for pages that were
    never files. Blocking: the folders are listed.

    The source is looked for among what an ingest would read, by the same rules for links, folders inside folders and
    closed collections; it is never a path of its own. Raises Unreadable.
    """
    try:
        items = select(settings, None, prune=False).items
    except IngestError:  # a folder that is not there: an ingest says so
        return None
    return next((item.content() for item in items if item.key == (collection, source)), None)
