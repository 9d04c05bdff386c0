"""What the settings' Feishu links lead to, as items of an ingest."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import structlog

from bot.documents.page_reader import PageReader
from bot.models import ON_FEISHU
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.links import target_of
from feishu.documents.listing import Documents, Page, Unread, subscribe
from feishu.errors import FeishuError
from rag.errors import IngestError, Unreadable
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import Remote, RemoteDocument, Unlisted

log = structlog.get_logger(__name__)

PREFIX = ON_FEISHU
"""What the sources of pages on Feishu begin with; the page's own token follows."""


def hosts_of(settings: Settings) -> frozenset[str]:
    """The hosts of the links."""
    return frozenset(urlsplit(link).hostname or "" for _, link in settings.links()) - {""}


async def listed(
    settings: Settings, documents: Documents, reader: PageReader, *, seen: list[Page] | None = None
) -> list[Remote]:
    """What the links lead to; what cannot be listed or read is in it too, with its reason. `seen` gets the pages.
    Raises IngestError."""
    if not settings.feishu.app_id:
        raise IngestError("rag.links needs a Feishu app: set FEISHU__APP_ID and FEISHU__APP_SECRET")
    found: list[Remote] = []
    for collection, link in settings.links():
        target = target_of(link)
        if target is None:
            found.append(Unlisted(collection, link, "is no link to a wiki, a folder or a document; correct rag.links"))
            continue
        try:
            items = [item async for item in documents.walk(target)]
            pages = await documents.dated([item for item in items if isinstance(item, Page)])
        except FeishuError as error:
            # What we had from there may be any of the collection's pages: all of them stay until it can be listed.
            found.append(Unlisted(collection, PREFIX, f"{link}: {error}", keeps=True))
            continue
        found += [_unread(item, collection) for item in items if isinstance(item, Unread)]
        found += [document_of(page, collection, reader) for page in pages]
        if seen is not None:
            seen += pages
    return found


async def subscribe_to(pages: Sequence[Page], client: FeishuClient, settings: Settings) -> None:
    """Asks to be told of what becomes of pages that were read now. Where that cannot be had, looking serves."""
    if not settings.feishu.subscribe:
        return
    try:
        told = await subscribe(client, pages)
    except FeishuError as error:
        log.info("not_subscribed", reason=str(error))
        return
    log.info("subscribed", documents=told, of=len(pages))


def document_of(page: Page, collection: str, reader: PageReader) -> RemoteDocument:
    """A page as an item of an ingest."""
    return RemoteDocument(
        f"{PREFIX}{page.token}",
        page.title,
        page.link or None,
        f"{page.edited} {reader.mark}",
        partial(_read, page, reader),
        collection,
        page.edited_at,
    )


def _read(page: Page, reader: PageReader, readers: Readers) -> Parsed:
    """Called in the ingest's thread."""
    try:
        return reader.read(page, readers)
    except Unreadable as error:
        named = f"{page.title}: {error.reason}" if page.title else error.reason
        raise Unreadable(f"{PREFIX}{page.token}", named, temporary=error.temporary) from error


def _unread(item: Unread, collection: str) -> Unlisted:
    """Named in the report. A place that was closed to the app loses its pages; they are not listed any more."""
    return Unlisted(collection, f"{item.title} ({item.link})", item.reason)
