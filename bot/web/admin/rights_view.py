"""What /admin tells of mirrored rights: who may read a document and by which rule, what is closed, who is unknown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.access.audience import Audiences
from bot.access.rules import Access
from bot.errors import BotError
from bot.intake.principal_names import SPACE_PREFIX, PrincipalNames
from bot.models import ON_FEISHU
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.document_rights import HOUR_S, DocumentRights, StoredRights
from bot.settings import Settings
from feishu.clock import Clock
from feishu.documents.rights import Grant
from feishu.errors import FeishuError
from rag.access_lists import AccessLists
from rag.errors import RagError
from rag.index.outline import DocumentState
from rag.scope import EVERYTHING, Scope

MOST_DOCUMENTS = 100
MOST_READERS = 50
NAMES_WITHIN_S = 3.0
OF_SPACES = ("space_admin", "space_member", "space_public", "published")


class Unanswerable(BotError):
    """It cannot be told now; the words say why, and name no document."""


class HasStates(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def documents(self, scope: Scope) -> tuple[DocumentState, ...]: ...


@dataclass(frozen=True, slots=True)
class RightsView:
    """Answers an admin. Raises `StoreError`."""

    settings: Settings
    rights: DocumentRights
    access: Access
    audiences: Audiences
    names: PrincipalNames
    ledger: ChatFacts
    documents: HasStates
    clock: Clock

    async def overview(self, words: str = "") -> dict[str, Any]:
        """How rights are read, what is closed, whom nobody knows; and the documents that `words` name, the closed ones
        first, each with who may read it."""
        stored = await self.rights.all() if self.access.mirrors else []
        times = [each.checked_at for each in stored]
        closed = [each for each in stored if self._closed(each)]
        named = [each for each in stored if _is_named(each, words.strip())]
        shown = sorted(named, key=lambda each: (not self._closed(each), each.title, each.source))[:MOST_DOCUMENTS]
        names, places = await self._names(shown), await self.rights.places() if shown else {}
        return {
            "mirrored": self.access.mirrors,
            "has_links": any(self.settings.links()),
            "count": len(stored),
            "closed": len(closed),
            "old": sum(self._closed(each) == "old" for each in stored),
            "newest_at": max(times, default=None),
            "oldest_at": min(times, default=None),
            "max_age_h": self.settings.bot.access.rights_max_age_h,
            "matching": len(named),
            "documents": [self._document(each, names, places) for each in shown],
            "unresolved": await self._unresolved(),
        }

    async def verdict(self, person: str, document: str) -> dict[str, Any]:
        """Whether somebody may see a document in private, and by which rules; `document` is a source, a link or a
        token. Raises `Unanswerable`, also where the document is not known."""
        chat_id = await self.ledger.private_chat_of(self.settings.feishu.app_id, person)
        scope = await self.scope(person, chat_id)
        source, stored = await self._found(document)
        rules = {name: self.access.rule_of(chat_id, "p2p", person, name) for name in await self._collections(source)}
        is_mirrored = self.access.mirrors and source.startswith(ON_FEISHU)
        may_read = not is_mirrored or self._lists().shows(scope.audience, source)
        grants = self._grants_to(scope, stored)
        names = await self.names.of_all(_names_of(grants), within_s=NAMES_WITHIN_S)
        places = await self.rights.places() if grants else {}
        return {
            "allowed": may_read and any(rules.values()),
            "source": source,
            "may_read": may_read,
            "mirrored": is_mirrored,
            "grants": [_grant(each, names, places) for each in grants],
            "closed": self._closed(stored) if stored and is_mirrored else "",
            "collections": [{"name": name, "rule": rule or ""} for name, rule in rules.items()],
            "unknown": self.audiences.unresolved.get(f"user:{person}", "") if is_mirrored else "",
        }

    async def scope(self, person: str, chat_id: str = "") -> Scope:
        """What somebody may see in private. Raises `Unanswerable` where the platform cannot be asked."""
        try:
            return await self.access.scope(chat_id, "p2p", person)
        except FeishuError as error:
            raise Unanswerable(f"the platform does not tell who that is: {error}") from error

    def _closed(self, stored: StoredRights) -> str:
        """Why nobody may read a document; "" where somebody may. `nobody` is known, or its rights are `old`."""
        if not stored.rights.readers:
            return stored.rights.closed or "nobody"
        max_age_s = self.settings.bot.access.rights_max_age_h * HOUR_S
        return "old" if self.clock.time() - stored.checked_at > max_age_s else ""

    def _lists(self) -> AccessLists:
        try:
            return self.rights.lists()
        except RuntimeError as error:
            raise Unanswerable(str(error)) from error

    def _grants_to(self, scope: Scope, stored: StoredRights | None) -> tuple[Grant, ...]:
        readers = [stored.rights.grants_to(reader) for reader in scope.audience] if stored else []
        return readers[0] if len(readers) == 1 else ()

    async def _found(self, document: str) -> tuple[str, StoredRights | None]:
        """The document that is meant. Raises `Unanswerable`."""
        stored = await self.rights.all() if self.access.mirrors else []
        for each in stored:
            if document in (each.source, each.source.removeprefix(ON_FEISHU), each.link):
                return each.source, each
        for state in await self._states():
            if document in (state.source, state.link):
                return state.source, None
        raise Unanswerable("there is no such document: give its source or its link as the list has it")

    async def _collections(self, source: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.collection for each in await self._states() if each.source == source))

    async def _states(self) -> tuple[DocumentState, ...]:
        try:
            return await self.documents.documents(EVERYTHING)
        except RagError as error:
            raise Unanswerable(f"the index cannot be read: {error}") from error

    async def _names(self, shown: Sequence[StoredRights]) -> dict[str, str]:
        wanted = (name for each in shown for name in _names_of(each.rights.grants[:MOST_READERS]))
        return await self.names.of_all(wanted, within_s=NAMES_WITHIN_S)

    async def _unresolved(self) -> list[dict[str, str]]:
        """Whom or what the platform did not tell about since the start of this process."""
        found = dict(sorted(self.audiences.unresolved.items())[:MOST_DOCUMENTS])
        names = await self.names.of_all(found, within_s=NAMES_WITHIN_S)
        return [{"what": what, "name": names.get(what, ""), "why": why} for what, why in found.items()]

    def _document(
        self, stored: StoredRights, names: dict[str, str], places: dict[str, tuple[str, str]]
    ) -> dict[str, Any]:
        rights = stored.rights
        return {
            "source": stored.source,
            "title": stored.title,
            "link": stored.link,
            "closed": self._closed(stored),
            "missing_scope": rights.missing_scope,
            "incomplete": [places.get(token, (token, ""))[0] or token for token in rights.incomplete],
            "lets_out": rights.lets_out,
            "checked_at": stored.checked_at,
            "readers": [_grant(each, names, places) for each in rights.grants[:MOST_READERS]],
            "more": max(0, len(rights.grants) - MOST_READERS),
        }


def _grant(grant: Grant, names: dict[str, str], places: dict[str, tuple[str, str]]) -> dict[str, str]:
    """A rule with names where they are known, ids otherwise."""
    space = names.get(f"{SPACE_PREFIX}{grant.where}", "") if grant.rule in OF_SPACES else ""
    where = space or places.get(grant.where, ("", ""))[0] or grant.where
    name = names.get(grant.principal, "")
    return {"principal": grant.principal, "name": name, "rule": grant.rule, "where": where}


def _names_of(grants: Iterable[Grant]) -> Iterable[str]:
    for grant in grants:
        yield grant.principal
        if grant.rule in OF_SPACES:
            yield f"{SPACE_PREFIX}{grant.where}"


def _is_named(stored: StoredRights, words: str) -> bool:
    return words.lower() in stored.title.lower() or words in (stored.source, stored.link)
