"""What the settings' Feishu links lead to, as items of an ingest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog

from bot.documents.page_reader import PageReader
from bot.models import ON_FEISHU
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.links import target_of
from feishu.documents.listing import Documents, Page, PageKind, Unread, subscribe
from feishu.errors import FeishuError
from rag.errors import IngestError, Unreadable
from rag.index.outline import DocumentState
from rag.ingestion.readers import Readers
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import Remote, RemoteDocument, Unlisted

log = structlog.get_logger(__name__)

PREFIX = ON_FEISHU
"""What the sources of pages on Feishu begin with; the page's own token follows."""


@dataclass(frozen=True, slots=True)
class LinkFound:
    """What a link of the settings led to: so many pages, so many places that cannot be read; or why it could not be
    listed (`reason`)."""

    collection: str
    link: str
    pages: int = 0
    unread: int = 0
    reason: str = ""


@dataclass(slots=True)
class Listing:
    """What the links lead to, as items of an ingest (what cannot be listed or read is in it too, with its reason), and
    as pages of the platform; and what each link led to."""

    remote: list[Remote] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    links: list[LinkFound] = field(default_factory=list)


def hosts_of(settings: Settings) -> frozenset[str]:
    """The hosts of the links."""
    return frozenset(urlsplit(link).hostname or "" for _, link in settings.links()) - {""}


async def listed(settings: Settings, documents: Documents, reader: PageReader) -> Listing:
    """What the links lead to. Raises IngestError."""
    if not settings.feishu.app_id:
        raise IngestError("rag.links needs a Feishu app: set FEISHU__APP_ID and FEISHU__APP_SECRET")
    found = Listing()
    for collection, link in settings.links():
        found.links.append(await _listed_link(collection, link, documents, reader, found))
    return found


async def _listed_link(
    collection: str, link: str, documents: Documents, reader: PageReader, found: Listing
) -> LinkFound:
    target = target_of(link)
    if target is None:
        reason = "is no link to a wiki, a folder or a document; correct rag.links"
        found.remote.append(Unlisted(collection, link, reason))
        return LinkFound(collection, link, reason=reason)
    try:
        items = [item async for item in documents.walk(target)]
        pages = await documents.dated([item for item in items if isinstance(item, Page)])
    except FeishuError as error:
        # What we had from there may be any of the collection's pages: all of them stay until it can be listed.
        found.remote.append(Unlisted(collection, PREFIX, f"{link}: {error}", keeps=True))
        return LinkFound(collection, link, reason=str(error))
    unread = [_unread(item, collection) for item in items if isinstance(item, Unread)]
    found.remote += [*unread, *(document_of(page, collection, reader) for page in pages)]
    found.pages += pages
    return LinkFound(collection, link, len(pages), len(unread))


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


def known_page(state: DocumentState, kind: PageKind, meta: Mapping[str, Any]) -> Page:
    """A page that the index has, by what the platform says of it now (`Documents.metas`)."""
    edited = str(meta.get("latest_modify_time", ""))
    title = str(meta.get("title") or "") or state.title
    edited_at = int(edited) if edited.isdecimal() else 0
    return Page(state.source.removeprefix(PREFIX), title, state.link, edited, kind, edited_at)


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
