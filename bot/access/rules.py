"""Who may see what: the rules of `bot.access` over the collections of `rag.collections`, and the rights of documents.

In a group the chat's rule alone speaks: what one member may see in private is not for the others' eyes. In a private
chat the person's rule speaks; where there is one for the chat as well, only what both allow is seen. Without a rule the
`public` collections are seen. Documents in no collection belong to `default`, a collection like the others: not seen
unless a rule or its own `public` says so. While no collections are set at all, everything is seen.

Where the rights of documents on Feishu are mirrored (`bot.access.rights`), a document is seen only if everybody who
reads the answer may open it, too. Who that is has to be looked up first (`know`); until then nobody may open anything.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Literal

from bot.access.audience import EVERYBODY_INSIDE, NOBODY, Audiences
from bot.settings.access import AccessSettings
from rag.access_lists import UNCONTROLLED, AccessLists
from rag.scope import DOCUMENT, EVERYTHING, Audience, Scope
from rag.settings import RagSettings

FILES = "@files"
"""The files that somebody sent in a private chat, or quoted anywhere: seen there, and kept apart from the index."""


CollectionRule = Literal["everything", "public", "chat", "person", "files"]
"""Why a collection is seen: there are none, it is public, a chat's or a person's rule names it, or it is no collection
but files that were sent there."""


class Access:
    """Answers who sees what, by the settings of this run.

    With mirrored rights, `lists` are those of the documents, `refresh` brings them up to date, and `audiences` knows
    who reads what; without `audiences` nobody does.
    """

    def __init__(
        self,
        rules: AccessSettings,
        rag: RagSettings,
        *,
        lists: Callable[[], AccessLists] = lambda: UNCONTROLLED,
        audiences: Audiences | None = None,
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._refresh = refresh
        self._mirrors = rules.rights == "mirror"
        self._lists = lists
        self._audiences = audiences
        self._chats = {name: Scope.of(collections) for name, collections in rules.chats.items()}
        self._people = {name: Scope.of(collections) for name, collections in rules.people.items()}
        self._is_open = not rag.collections
        self._public = Scope.of(name for name, collection in rag.collections.items() if collection.public)

    @property
    def mirrors(self) -> bool:
        """Whether documents on Feishu have rights of their own."""
        return self._mirrors

    async def know(self, chat_id: str, chat_type: str, person: str) -> None:
        """Looks up who reads an answer there, and takes up rights that another process read. Raises `FeishuError` where
        asking again may help, `StoreError`."""
        if not self._mirrors or self._audiences is None:
            return
        if self._refresh is not None:
            await self._refresh()
        await self._audiences.know(chat_id, chat_type, person)

    def in_chat(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """What a question of this person in this chat may see. Any `chat_type` but p2p is a group."""
        scope = self._collections(chat_id, chat_type, person)
        return replace(scope, audience=self._readers(chat_id, chat_type, person)) if self._mirrors else scope

    def of_turn(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """What a question of this person in this chat may see: in a group the file that it quotes, too. That is kept
        for the question alone, and everybody in the group has it already."""
        scope = self.in_chat(chat_id, chat_type, person)
        return scope if scope.names is None else self._with_files(scope)

    async def scope(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """`in_chat`, after looking up who reads it. Raises like `know`."""
        await self.know(chat_id, chat_type, person)
        return self.in_chat(chat_id, chat_type, person)

    async def scope_of_turn(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """`of_turn`, after looking up who reads it. Raises like `know`."""
        await self.know(chat_id, chat_type, person)
        return self.of_turn(chat_id, chat_type, person)

    def of_key(self, collections: frozenset[str] | None, *, is_admin: bool) -> Scope:
        """What a key of the web door may see: its own collections; an admin's key without any sees everything. A key is
        nobody: with mirrored rights it sees what the whole organisation may open."""
        if collections is None and is_admin:
            return EVERYTHING
        audience: Audience = frozenset({EVERYBODY_INSIDE}) if self._mirrors and not is_admin else frozenset()
        if collections is not None:
            return Scope(collections, audience)
        return Scope(None if self._is_open else self._public.names, audience)

    def shows(self, scope: Scope, behind: Iterable[str]) -> bool:
        """Whether somebody may see what has this behind it (`bot.models.behind`): collections, and documents with
        rights of their own, by the rights of now."""
        behind = list(behind)
        if not scope.shows(behind):
            return False
        documents = [each.removeprefix(DOCUMENT) for each in behind if each.startswith(DOCUMENT)]
        if not scope.audience or not documents:
            return True
        try:
            lists = self._lists()
        except Exception:  # whatever keeps them from being known closes what they would open
            return False
        return all(lists.shows(scope.audience, document) for document in documents)

    def rule_of(self, chat_id: str, chat_type: str, person: str, collection: str) -> CollectionRule | None:
        """By which rule a collection is seen there; None where it is not."""
        if collection == FILES:
            return "files"
        if self._is_open:
            return "everything"
        if not self._collections(chat_id, chat_type, person).shows((collection,)):
            return None
        if chat_type == "p2p" and person in self._people:
            return "person"
        return "chat" if chat_id in self._chats else "public"

    def admits(self, scope: Scope, readers: frozenset[str]) -> bool:
        """Whether all who read an answer may read a document that these principals may read."""
        return all(not readers.isdisjoint(member) for member in scope.audience)

    def _readers(self, chat_id: str, chat_type: str, person: str) -> Audience:
        return self._audiences.of(chat_id, chat_type, person) if self._audiences is not None else NOBODY

    def _collections(self, chat_id: str, chat_type: str, person: str) -> Scope:
        if self._is_open:
            return EVERYTHING
        of_chat = self._chats.get(chat_id)
        if chat_type != "p2p":
            return self._public if of_chat is None else of_chat
        return self._with_files(self._of_person(person, of_chat))

    def _of_person(self, person: str, of_chat: Scope | None) -> Scope:
        rules = [rule for rule in (self._people.get(person), of_chat) if rule is not None]
        if not rules:
            return self._public
        return rules[0].within(rules[-1])

    def _with_files(self, scope: Scope) -> Scope:
        return replace(scope, names=frozenset({*(scope.names or ()), FILES}))
