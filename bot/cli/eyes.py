"""What a chat or a person may see, for who asks in a terminal with their eyes: collections, and mirrored rights."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.access.audience import Audiences
from bot.access.rules import FILES, Access
from bot.composition import document_rights
from bot.errors import BotError
from bot.repositories.document_rights import DocumentRights
from bot.settings import Settings
from bot.storage.database import Database
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.errors import FeishuError
from rag.access_lists import UNCONTROLLED, AccessListsSource
from rag.scope import Scope

NEVER_READ = "No rights are stored, so that every document on Feishu is closed: feishu-rag ingest reads them."


class EyesUnknown(BotError):
    """Nobody can tell what is seen there."""


@dataclass(frozen=True, slots=True)
class SeenAs:
    """What is searched, by which rights, and what there is to say about it."""

    scope: Scope
    lists: AccessListsSource
    told: tuple[str, ...]


@contextlib.asynccontextmanager
async def seen_as(settings: Settings, chat: str, person: str) -> AsyncIterator[SeenAs]:
    """With the eyes of a group, or of a person in private; both: in that private chat. Raises `EyesUnknown` where the
    platform cannot be asked who reads there, `StoreError` where stored rights cannot be read."""
    chat_type = "p2p" if person else "group"
    if settings.bot.access.rights != "mirror":
        scope = Access(settings.bot.access, settings.rag).in_chat(chat, chat_type, person)
        yield SeenAs(scope, lambda: UNCONTROLLED, _collections(settings, scope))
        return
    if not settings.feishu.app_id or not settings.feishu.app_secret.get_secret_value():
        raise EyesUnknown("who reads there is asked of the platform: set FEISHU__APP_ID and FEISHU__APP_SECRET")
    async with _stored(settings) as rights, contextlib.aclosing(FeishuClient(settings.feishu)) as client:
        audiences = Audiences(client, settings.bot.access, rights.lists, SystemClock())
        access = Access(settings.bot.access, settings.rag, lists=rights.lists, audiences=audiences)
        try:
            scope = await access.scope(chat, chat_type, person)
        except FeishuError as error:
            raise EyesUnknown(f"the platform does not tell who reads there: {error}") from error
        told = (*_collections(settings, scope), _opened(rights, scope), *_unresolved(audiences))
        yield SeenAs(scope, rights.lists, told)


@contextlib.asynccontextmanager
async def _stored(settings: Settings) -> AsyncIterator[DocumentRights]:
    database = Database(settings.bot.database_url)
    try:
        await asyncio.to_thread(database.migrate)
        rights = document_rights(settings, database, SystemClock())
        await rights.refresh()
        yield rights
    finally:
        await asyncio.to_thread(database.close)


def _collections(settings: Settings, scope: Scope) -> tuple[str, ...]:
    if not settings.rag.collections:
        return ()
    return (f"Searched, as there: {', '.join(sorted((scope.names or frozenset()) - {FILES})) or 'no collection'}.",)


def _opened(rights: DocumentRights, scope: Scope) -> str:
    readers = rights.lists().readers
    if not readers:
        return NEVER_READ
    count = sum(rights.lists().shows(scope.audience, source) for source in readers)
    return f"Of {len(readers)} documents on Feishu that anybody may open, {count} may be opened there."


def _unresolved(audiences: Audiences) -> tuple[str, ...]:
    """Whom or what the platform did not tell about: it opens nothing."""
    return tuple(f"Not known, and so closed: {what} ({why})" for what, why in sorted(audiences.unresolved.items()))
