"""Who may see what: the rules of `bot.access` over the collections of `rag.collections`. Pure.

In a group the chat's rule alone speaks: what one member may see in private is not for the others' eyes. In a private
chat the person's rule speaks; where there is one for the chat as well, only what both allow is seen. Without a rule the
`public` collections are seen. Documents in no collection belong to `default`, a collection like the others: not seen
unless a rule or its own `public` says so. While no collections are set at all, everything is seen.
"""

from bot.settings.access import AccessSettings
from rag.scope import EVERYTHING, Scope
from rag.settings import RagSettings

FILES = "@files"
"""The files that somebody sent in a private chat, or quoted anywhere: seen there, and kept apart from the index."""


class Access:
    """Answers who sees what, by the settings of this run."""

    def __init__(self, rules: AccessSettings, rag: RagSettings) -> None:
        self._chats = {name: Scope.of(collections) for name, collections in rules.chats.items()}
        self._people = {name: Scope.of(collections) for name, collections in rules.people.items()}
        self._is_open = not rag.collections
        self._public = Scope.of(name for name, collection in rag.collections.items() if collection.public)

    def in_chat(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """What a question of this person in this chat may see. Any `chat_type` but p2p is a group."""
        if self._is_open:
            return EVERYTHING
        of_chat = self._chats.get(chat_id)
        if chat_type != "p2p":
            return self._public if of_chat is None else of_chat
        return self._with_files(self._of_person(person, of_chat))

    def of_turn(self, chat_id: str, chat_type: str, person: str) -> Scope:
        """What a question of this person in this chat may see: in a group the file that it quotes, too. That is kept
        for the question alone, and everybody in the group has it already."""
        scope = self.in_chat(chat_id, chat_type, person)
        return scope if scope.names is None else self._with_files(scope)

    def of_key(self, collections: frozenset[str] | None, *, is_admin: bool) -> Scope:
        """What a key of the web door may see: its own collections; an admin's key without any sees everything."""
        if collections is not None:
            return Scope(collections)
        return EVERYTHING if is_admin or self._is_open else self._public

    def _of_person(self, person: str, of_chat: Scope | None) -> Scope:
        rules = [rule for rule in (self._people.get(person), of_chat) if rule is not None]
        if not rules:
            return self._public
        return rules[0].within(rules[-1])

    def _with_files(self, scope: Scope) -> Scope:
        return Scope.of({*(scope.names or ()), FILES})
