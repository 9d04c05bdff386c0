"""Everything that is to be known, brought together for one ingest: folders, and Feishu documents through the client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.api.documents import Documents, Page, Unread, reason_of, target_of
from feishu.errors import ApiError, FeishuError
from rag.errors import IngestError, Unreadable
from rag.ingestion.pipeline import IngestReport, ingest
from rag.ingestion.readers.headings import headings_of, places_by_order
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import Remote, RemoteDocument, Unlisted

PREFIX = "feishu:"
DEFAULT = "default"


async def ingest_all(
    settings: Settings,
    *,
    paths: Sequence[Path] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    rebuild: bool = False,
    prune: bool = False,
) -> IngestReport:
    """Ingest folders and, unless `paths` are given, the Feishu links of the settings. Raises `RagError`."""
    async with contextlib.AsyncExitStack() as cleanup:
        remote: list[Remote] = []
        if paths is None and any(_links(settings)):
            client = FeishuClient(settings.feishu)
            cleanup.push_async_callback(client.aclose)
            remote = [item async for item in _remote(settings, Documents(client))]
        if paths is not None and not prune:
            remote = [Unlisted(name, PREFIX, "", keeps=True) for name in (DEFAULT, *settings.rag.collections)]
        return await asyncio.to_thread(
            lambda: ingest(settings.rag, paths=paths, remote=remote, progress=progress, rebuild=rebuild, prune=prune)
        )


def _links(settings: Settings) -> Iterator[tuple[str, str]]:
    """Collection and link."""
    yield from ((DEFAULT, link) for link in settings.rag.links)
    for name, collection in settings.rag.collections.items():
        yield from ((name, link) for link in collection.links)


async def _remote(settings: Settings, documents: Documents) -> AsyncIterator[Remote]:
    """What the links lead to; what cannot be listed or read is in it too, with its reason."""
    if not settings.feishu.app_id:
        raise IngestError("rag.links needs a Feishu app: set FEISHU__APP_ID and FEISHU__APP_SECRET")
    for collection, link in _links(settings):
        target = target_of(link)
        if target is None:
            yield Unlisted(collection, link, "is no link to a wiki, a folder or a document; correct rag.links")
            continue
        try:
            async for item in documents.walk(target):
                yield _document(item, collection, documents) if isinstance(item, Page) else _unread(item, collection)
        except FeishuError as error:
            # What we had from there may be any of the collection's pages: all of them stay until it can be listed.
            yield Unlisted(collection, PREFIX, f"{link}: {error}", keeps=True)


def _document(page: Page, collection: str, documents: Documents) -> RemoteDocument:
    loop = asyncio.get_running_loop()
    source = f"{PREFIX}{page.token}"

    def read() -> Parsed:
        """Called in the ingest's thread."""
        try:
            return asyncio.run_coroutine_threadsafe(_with_headings(documents, page), loop).result()
        except ApiError as error:
            if reason := reason_of(error):
                raise Unreadable(f"{page.title} ({page.link})", reason) from error
            raise Unreadable(source, str(error), temporary=True) from error
        except FeishuError as error:
            raise Unreadable(source, str(error), temporary=True) from error

    return RemoteDocument(source, page.title, page.link or None, page.edited, read, collection)


async def _with_headings(documents: Documents, page: Page) -> Parsed:
    """A page with the block ids of its headings; without them where they cannot be had, and says so."""
    text = (await documents.markdown(page.token)).replace("\r\n", "\n")
    if not any(name for _, name in headings_of(text)):
        return Parsed(text)
    try:
        headings = await documents.headings(page.token)
    except ApiError as error:
        if (reason := reason_of(error)) is None:
            raise
        return Parsed(text, notes=(f"links to it open at its beginning, since its blocks cannot be read: {reason}",))
    return Parsed(text, places=places_by_order(text, [(heading.text, heading.block_id) for heading in headings]))


def _unread(item: Unread, collection: str) -> Unlisted:
    """Named in the report. A place that was closed to the app loses its pages; they are not listed any more."""
    return Unlisted(collection, f"{item.title} ({item.link})", item.reason)
