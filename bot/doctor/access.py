"""Who sees what, held against what there is: rules that lead nowhere, documents that nobody sees, shut links."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator

from bot.access.rules import Access
from bot.doctor.calls import LONGEST_CALL_S, SCOPE_MISSING, hurried_client
from bot.doctor.findings import Finding
from bot.settings import Settings
from bot.settings.access import known_collections
from bot.settings.console import grant_page
from feishu.api.endpoints import CHAT
from feishu.documents.links import target_of
from feishu.documents.listing import Documents, Page
from feishu.errors import ApiError, FeishuError, TransportError
from rag.errors import RagError
from rag.scope import DEFAULT_COLLECTION, EVERYTHING, Scope

MOST_CHATS = 50
_TO_READ = "share the document or the wiki with the app (… › 添加文档应用, Add document app), and check its scopes"


async def check_access(settings: Settings) -> list[Finding]:
    """Collections and rules, held against the index; nothing while no collections are set."""
    from rag.knowledge_base import KnowledgeBase

    if not settings.rag.collections:
        return []
    try:
        library = await KnowledgeBase.open(settings.rag)
    except RagError:  # told by the check of the library
        return []
    try:
        filled = frozenset(await library.collections())
        titles = await library.titles(EVERYTHING, limit=1_000_000)
    except RagError:
        return []
    finally:
        await library.aclose()
    loose = sum(title.collection == DEFAULT_COLLECTION for title in titles)
    homes: dict[str, set[str]] = defaultdict(set)
    for title in titles:
        homes[title.link or ""].add(title.collection)
    shared = sorted(link for link, names in homes.items() if link and len(names) > 1)
    findings = [*_empty(settings, filled), *_unseen(settings, filled, loose), *_unknown(settings, filled)]
    if shared:
        found = f"{len(shared)} documents are in more than one collection, like {shared[0]}"
        findings.append(Finding("access", "warn", found, "see that none of these collections is more open than meant"))
    rules = len(settings.bot.access.chats) + len(settings.bot.access.people)
    told = f"{len(settings.rag.collections)} collections, {rules} rules; without one: {_names(_public(settings))}"
    return [*findings, Finding("access", "ok", told)]


def _empty(settings: Settings, filled: frozenset[str]) -> Iterator[Finding]:
    """Collections without documents; those that rules name first."""
    rules = settings.bot.access
    for setting in ("chats", "people"):
        for whose, names in getattr(rules, setting).items():
            if empty := sorted(set(names) - filled):
                found = f"the rule of {whose} names {_names(empty)}, where there are no documents"
                yield Finding("access", "warn", found, f"feishu-rag ingest, or correct bot.access.{setting}")
    named = {name for rule in (*rules.chats.values(), *rules.people.values()) for name in rule}
    if empty := sorted(set(settings.rag.collections) - filled - named):
        found = f"{_names(empty)}: no documents"
        yield Finding("access", "warn", found, "feishu-rag ingest, or correct the folders in rag.collections")


def _unseen(settings: Settings, filled: frozenset[str], loose: int) -> Iterator[Finding]:
    """Documents that no rule and no `public` shows to anybody."""
    rules = settings.bot.access
    seen = {name for rule in (*rules.chats.values(), *rules.people.values()) for name in rule} | set(_public(settings))
    if loose and DEFAULT_COLLECTION not in seen:
        found = f"{loose} documents are in no collection, so nobody sees them in a chat"
        fix = "put their folders under rag.collections, or say rag.collections: {default: {public: true}}"
        yield Finding("access", "warn", found, fix)
    hidden = sorted((filled & set(settings.rag.collections)) - seen - {DEFAULT_COLLECTION})
    if hidden:
        fix = "name them in bot.access.chats or bot.access.people, or make them public"
        yield Finding("access", "warn", f"nobody sees {_names(hidden)} in a chat", fix)


def _unknown(settings: Settings, filled: frozenset[str]) -> Iterator[Finding]:
    """Collections of the index, and of keys, that the settings do not have."""
    known = set(known_collections(settings.rag))
    if gone := sorted(filled - known):
        found = f"the index still holds {_names(gone)}, which rag.collections does not have; nobody sees it"
        yield Finding("access", "warn", found, "feishu-rag ingest")
    keys = settings.bot.keys()
    for key in keys:
        if wrong := sorted(set(key.collections or ()) - known):
            found = f"the API key {key.name} names {_names(wrong)}, which is no collection"
            yield Finding("access", "warn", found, f"correct BOT__API_KEYS; collections are {_names(sorted(known))}")


async def check_links(settings: Settings, *, call_s: float = LONGEST_CALL_S) -> list[Finding]:
    """Every Feishu link can be listed by the app; asked for its first document only."""
    rag = settings.rag
    links = [("rag.links", link) for link in rag.links]
    links += [(f"rag.collections.{name}.links", link) for name, each in rag.collections.items() for link in each.links]
    if not links:
        return []
    async with hurried_client(settings, call_s) as client:
        if client is None:
            return [Finding("links", "fail", "documents on Feishu need an app", "set FEISHU__APP_ID and its secret")]
        return [await _link(Documents(client), key, link) for key, link in links]


async def _link(documents: Documents, key: str, link: str) -> Finding:
    target = target_of(link)
    if target is None:
        fix = f"correct {key}: the address of a wiki, a folder or a document"
        return Finding("links", "fail", f"{link} is no such link", fix)
    try:
        async with contextlib.aclosing(documents.walk(target)) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, Page):
                    return Finding("links", "ok", f"{link}: can be read")
                if item.lost_listing or target.kind not in ("space", "folder"):
                    return Finding("links", "fail", f"{link}: {item.reason}", _TO_READ)
    except TransportError as error:
        return Finding("links", "unknown", f"{link}: not looked at ({error})", "see token above")
    except FeishuError as error:
        return Finding("links", "fail", f"{link}: {error}", _TO_READ)
    return Finding("links", "warn", f"{link}: nothing there that can be read", f"see what {key} leads to")


async def check_chats(settings: Settings, *, call_s: float = LONGEST_CALL_S) -> list[Finding]:
    """The bot is in every chat that has a rule."""
    findings = []
    async with hurried_client(settings, call_s) as client:
        if client is None:
            return []
        for chat_id in list(settings.bot.access.chats)[:MOST_CHATS]:
            try:
                await client.call(CHAT, path={"chat_id": chat_id})
            except ApiError as error:
                if error.code == SCOPE_MISSING:  # the bot itself does not need it
                    fix = f"grant it at {grant_page(settings.feishu, ['im:chat:readonly'])}, for the doctor alone"
                    return [
                        Finding("access", "unknown", "chats with a rule: not looked at without im:chat:readonly", fix)
                    ]
                fix = "add the bot to the chat, or correct bot.access.chats"
                findings.append(Finding("access", "warn", f"not in {chat_id}, which has a rule ({error.code})", fix))
            except FeishuError:  # told by the check of the platform
                return []
    if (more := len(settings.bot.access.chats) - MOST_CHATS) > 0:
        findings.append(
            Finding("access", "unknown", f"not looked at: {more} further chats with a rule", "see them by hand")
        )
    return findings


def _public(settings: Settings) -> list[str]:
    """What is seen without a rule."""
    scope: Scope = Access(settings.bot.access, settings.rag).in_chat("", "group", "")
    return sorted(scope.names or ())


def _names(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
