"""Links to Feishu documents in a message: read with the app's own rights, kept for the conversation.

A document of a collection that is closed where the question is asked stays closed, whoever has its link.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from bot.access.rules import Access
from bot.documents.library_sources import PREFIX
from bot.documents.page_reader import PageReader
from bot.intake.bot_identity import Identity
from bot.intake.intake import conversation_of
from bot.intake.results import Linked
from bot.job import Job
from bot.models import LeftOut, quoted_by
from bot.repositories.attachments import MB, Attachments, Belongs, OverQuota
from bot.texts import Texts
from feishu.api.availability import is_outage
from feishu.documents.links import Found, Target, links_in
from feishu.documents.listing import Page, Unread
from feishu.documents.refusals import scopes_named, why_refused
from feishu.documents.rights import Rights
from feishu.errors import FeishuError
from feishu.events.types import MessageReceived
from rag.errors import IndexUnusable, Unreadable
from rag.ingestion.readers.parsed import Parsed

log = structlog.get_logger(__name__)

MOST_LINKS = 3
MOST_NAME_CHARS = 80

_BARE_REQUEST = re.compile(
    r"(?:请|麻烦|帮我|帮忙|你|先|来)*(?:读|看|阅读|查看|浏览|记住|学习|了解)?(?:一?下|一?看|一?读)?"
    r"(?:这个|这篇|这份|这张|这些|这|以下)?"
    r"(?:文档|链接|表格|多维表格|资料|文件|页面|网页)?|"
    r"(?:please |pls |can you |could you )*(?:read|look at|see|open|check|remember|have a look at)?"
    r"(?: ?(?:this|these|the))?"
    r"(?: ?(?:doc|docs|document|documents|link|links|sheet|base|page|file))?(?: please)?",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\s:：,，.。!！?？、…>》\-—~]+")


class Linkable(Protocol):
    """What this needs of `feishu.documents.listing.Documents`."""

    async def one(self, target: Target) -> Page | Unread: ...


class Indexed(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def collections(self) -> tuple[str, ...]: ...

    async def document(self, collection: str, source: str) -> object | None: ...


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why one link was not read: `link_<why>` of `bot.texts`."""

    why: str
    name: str
    detail: str = ""


class LinkedDocuments:
    """Reads what a message links to."""

    def __init__(
        self,
        pages: Linkable,
        reader: Callable[[], PageReader],
        attachments: Attachments,
        library: Indexed,
        access: Access,
        identity: Identity,
        rights: Callable[[Page], Awaitable[Rights]],
        *,
        hosts: frozenset[str] = frozenset(),
        is_on: bool = True,
    ) -> None:
        """`reader` is called on the loop; `rights` asks the platform who may read a document; `hosts` are those of the
        settings' links, beside Feishu's and Lark's own."""
        self._pages = pages
        self._reader = reader
        self._attachments = attachments
        self._library = library
        self._access = access
        self._identity = identity
        self._rights = rights
        self._hosts = hosts
        self._is_on = is_on

    def links_in(self, text: str) -> list[Found]:
        """The links to documents in a message's words, at most `MOST_LINKS` of them. Costs nothing."""
        return links_in(text, self._hosts)[:MOST_LINKS] if self._is_on else []

    def asks(self, text: str) -> bool:
        """Whether anything is asked beside the links: "read this" is not."""
        return not is_bare_request(_without(text, self.links_in(text), [""] * MOST_LINKS))

    async def read(self, job: Job, message: MessageReceived, text: str, wording: Texts) -> Linked:
        """Reads and keeps them. Takes long, and may be done again. Raises `FeishuError` for an outage alone."""
        found = self.links_in(text)
        results = [await self._read_one(job, message, each) for each in found]
        names = [f"《{each.name if isinstance(each, _Trouble) else each[0]}》" for each in results]
        troubles = [each for each in results if isinstance(each, _Trouble)]
        return Linked(
            _without(text, found, names),
            titles=tuple(each[0] for each in results if not isinstance(each, _Trouble)),
            partly=tuple(each[0] for each in results if not isinstance(each, _Trouble) and each[1]),
            said=tuple(dict.fromkeys(self._sentence(each, wording) for each in troubles)),
            left_out=tuple(LeftOut("file", f"link_{each.why}", each.name) for each in troubles),
        )

    async def _read_one(self, job: Job, message: MessageReceived, found: Found) -> tuple[str, bool] | _Trouble:
        """The document's title, and whether something of it is missing."""
        target = found.target
        try:
            page = await self._pages.one(target)
        except FeishuError as error:
            if is_outage(error):
                raise
            log.info("link_not_read", reason=str(error))
            return _Trouble("failed", target.token)
        if isinstance(page, Unread):
            return _why_unread(page, target)
        name = " ".join(page.title.split())[:MOST_NAME_CHARS] or page.token
        if await self._is_closed(page, message):
            log.info("link_closed", token=page.token)
            return _Trouble("closed", target.token)
        left = await self._attachments.left_today(job.app_id, message.sender_open_id)
        if left == 0:
            return _Trouble("over_day", name)
        return await self._kept(job, message, page, name)

    async def _kept(self, job: Job, message: MessageReceived, page: Page, name: str) -> tuple[str, bool] | _Trouble:
        try:
            parsed: Parsed = await self._attachments.read_by(partial(self._reader().read, page))
        except Unreadable as error:
            log.info("link_not_read", reason=error.reason)
            return _Trouble("failed" if error.temporary else "unreadable", name, error.reason)
        if not parsed.text.strip():
            return _Trouble("empty", name)
        where = conversation_of(message)
        if message.chat_type != "p2p" and not message.thread_id:
            where = quoted_by(message.message_id)
        whose = Belongs(job.app_id, where, message.message_id, message.sender_open_id)
        size = len(parsed.text.encode("utf-8", "replace"))
        await self._attachments.received(job.app_id, message.message_id, message.sender_open_id, size)
        try:
            await self._attachments.keep_linked(whose, name, parsed, page.link, edited_at=page.edited_at)
        except OverQuota:
            return _Trouble("over_kept", name)
        return name, bool(parsed.notes)

    async def _is_closed(self, page: Page, message: MessageReceived) -> bool:
        """Whether the index has it only where this chat sees nothing, or not everybody there may open it. Raises
        `FeishuError`."""
        scope = await self._access.scope(message.chat_id, message.chat_type, message.sender_open_id)
        if scope.audience and not self._access.admits(scope, (await self._rights(page)).readers):
            return True
        source = f"{PREFIX}{page.token}"
        try:
            homes = [name for name in await self._library.collections() if await self._library.document(name, source)]
        except IndexUnusable:
            return False
        return bool(homes) and not any(scope.shows([home]) for home in homes)

    def _sentence(self, trouble: _Trouble, wording: Texts) -> str:
        known = self._identity.known
        quota = self._attachments.quota
        limit = quota.bytes_per_day if trouble.why == "over_day" else quota.bytes_kept
        said: str = getattr(wording, f"link_{trouble.why}")
        return said.format(
            name=trouble.name, app=known.app_name if known else "", detail=trouble.detail, limit=f"{limit / MB:g}"
        )


def _why_unread(unread: Unread, target: Target) -> _Trouble:
    name = unread.title or target.token
    if target.kind in ("space", "folder"):
        return _Trouble("many", name)
    why = why_refused(unread.error) if unread.error else None
    if why == "scope" and unread.error:
        return _Trouble("scope", name, scopes_named(unread.error))
    return _Trouble(why or "kind", name, unread.reason)


def _without(text: str, found: list[Found], names: list[str]) -> str:
    """The text with names instead of links."""
    parts, at = [], 0
    for each, name in zip(found, names, strict=False):
        parts += [text[at : each.start], name]
        at = each.end
    return "".join([*parts, text[at:]]).strip()


def is_bare_request(words: str) -> bool:
    """Whether a message says no more than that a link is to be read."""
    said = _SIGNS.sub(" ", words).strip()
    return _BARE_REQUEST.fullmatch(said) is not None
