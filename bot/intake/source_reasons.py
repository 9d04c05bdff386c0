"""`/why`: by which rule the readers of an answer see each of its sources.

It names what whoever reads it stands for (their department, a group that they are in), and a page above only where they
may open that page, too. In a group it says what is true of everybody there. It names no person.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.access.rules import Access
from bot.cards.buttons import one_line
from bot.intake.principal_names import SPACE_PREFIX, PrincipalNames
from bot.intake.smalltalk import HasTitles
from bot.models import ON_FEISHU, Answer, Source, Turn
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.document_rights import DocumentRights
from bot.repositories.turns import Conversations
from bot.texts import Texts
from feishu.documents.rights import ANYONE, TENANT, Grant, Rights
from rag.errors import RagError
from rag.scope import Audience, Scope

NAMES_WITHIN_S = 3.0
TITLE_CHARS = 120
QUESTION_CHARS = 40
MOST_TITLES = 10_000
EVERYBODY = "department:0"
ONE_PERSON = ("user:", "union:", "employee:", "email:")


@dataclass(frozen=True, slots=True)
class AskedIn:
    """Where somebody asks, and which message they reply to ("" for none)."""

    chat_id: str
    chat_type: str
    person: str
    conversation: str
    parent_id: str = ""


def common_grant(rights: Rights, audience: Audience) -> Grant | None:
    """The most personal rule by which all readers see a document; None where there is no such one."""
    each = [rights.grants_to(member) for member in audience]
    return next((grant for grant in each[0] if all(grant in others for others in each[1:])), None) if each else None


@dataclass(frozen=True, slots=True)
class SourceReasons:
    """Finds the answer that is meant, and explains it. Raises `StoreError`."""

    ledger: ChatFacts
    conversations: Conversations
    rights: DocumentRights
    access: Access
    names: PrincipalNames
    documents: HasTitles

    async def said(self, app_id: str, place: AskedIn, scope: Scope, wording: Texts) -> str:
        """The words, for those who may see `scope`."""
        found = await self._meant(app_id, place)
        if found is None:
            return wording.why_none
        turn, answer = found
        if not self.access.shows(scope, answer.behind):
            return wording.not_open_here
        question = one_line(turn.question, QUESTION_CHARS)
        sources = {(each.collection, each.source): each for each in answer.on_card}
        if not sources:
            return wording.why_no_sources.format(question=question)
        title = wording.why_title if place.chat_type == "p2p" else wording.why_title_group
        lines = [await self._line(source, place, scope, wording) for source in sources.values()]
        return "\n".join([title.format(question=question), *lines])

    async def _meant(self, app_id: str, place: AskedIn) -> tuple[Turn, Answer] | None:
        """The answer on the card that is replied to, or the newest of the conversation; never one of another chat."""
        if card := await self.ledger.turn_of_card(app_id, (place.parent_id,)):
            found = await self.conversations.look_up(card[1])
        else:
            found = await self.conversations.newest(app_id, place.conversation)
        return found if found and found[0].chat_id == place.chat_id and not found[0].recalled else None

    async def _line(self, source: Source, place: AskedIn, scope: Scope, wording: Texts) -> str:
        of_collection = self._of_collection(source.collection, place, wording)
        parts = [of_collection]
        if self.access.mirrors and source.source.startswith(ON_FEISHU):
            of_document = await self._of_document(source.source, place, scope, wording)
            is_open = of_collection == wording.because_everything
            parts = [of_document] if is_open else [of_document, of_collection]
        title = one_line(source.title or source.source, TITLE_CHARS)
        why = wording.why_and.join(" ".join(part.split()) for part in parts if part)  # without a name a gap is left
        return wording.why_line.format(title=title, why=why)

    def _of_collection(self, collection: str, place: AskedIn, wording: Texts) -> str:
        rule = self.access.rule_of(place.chat_id, place.chat_type, place.person, collection)
        said = {
            "everything": wording.because_everything,
            "public": wording.because_public,
            "chat": wording.because_chat_rule,
            "person": wording.because_person_rule,
            "files": wording.because_file,
        }
        return said[rule].format(collection=collection) if rule else ""

    async def _of_document(self, source: str, place: AskedIn, scope: Scope, wording: Texts) -> str:
        stored = await self.rights.of(source)
        if stored is None:
            return ""
        grant = common_grant(stored.rights, scope.audience)
        is_of_one = grant is not None and grant.principal.startswith(ONE_PERSON)
        if grant is None or (is_of_one and place.chat_type != "p2p"):
            return wording.because_each
        return await self._of_grant(grant, place, scope, wording)

    async def _of_grant(self, grant: Grant, place: AskedIn, scope: Scope, wording: Texts) -> str:
        known = await self.names.of_all(_named(grant), within_s=NAMES_WITHIN_S)
        space = _quoted(known.get(f"{SPACE_PREFIX}{grant.where}", ""), wording)
        whom = _whom(grant, place, known, wording)
        match grant.rule:
            case "owner":
                return wording.because_owner
            case "member":
                return wording.because_member_of.format(whom=whom)
            case "inherited":
                return await self._inherited(grant, wording.because_member_of.format(whom=whom), scope, wording)
            case "space_admin":
                return wording.because_space_admin.format(space=space, whom=whom)
            case "space_member":
                return wording.because_space_member.format(space=space, whom=whom)
            case "space_public":
                return wording.because_space_public.format(space=space)
            case "published":
                return wording.because_published.format(space=space)
            case "link":
                return wording.because_anyone if grant.principal == ANYONE else wording.because_link

    async def _inherited(self, grant: Grant, why: str, scope: Scope, wording: Texts) -> str:
        title, link = (await self.rights.places()).get(grant.where, ("", ""))
        if title and link and await self._may_name(link, scope):
            return wording.because_inherited_from.format(why=why, page=one_line(title, TITLE_CHARS))
        return wording.because_inherited.format(why=why)

    async def _may_name(self, link: str, scope: Scope) -> bool:
        """Whether a page is among the documents that may be seen there."""
        try:
            return any(each.link == link for each in await self.documents.titles(scope, limit=MOST_TITLES))
        except RagError:
            return False


def _named(grant: Grant) -> Iterable[str]:
    """What is named in a reason: never a person."""
    if grant.principal.startswith(("department:", "chat:", "group:")):
        yield grant.principal
    if grant.rule in ("space_admin", "space_member", "space_public", "published"):
        yield f"{SPACE_PREFIX}{grant.where}"


def _whom(grant: Grant, place: AskedIn, known: dict[str, str], wording: Texts) -> str:
    """To whom the right is given, as whoever has it by that would say it."""
    kind, _, its_id = grant.principal.partition(":")
    name = _quoted(known.get(grant.principal, ""), wording)
    if grant.principal == TENANT or grant.principal == EVERYBODY:
        return wording.because_organisation
    if kind == "chat":
        return wording.because_here if its_id == place.chat_id else wording.because_chat.format(name=name)
    if kind == "department":
        return wording.because_department.format(name=name)
    return wording.because_user_group.format(name=name) if kind == "group" else wording.because_you


def _quoted(name: str, wording: Texts) -> str:
    return wording.because_named.format(name=one_line(name, TITLE_CHARS)) if name else ""
