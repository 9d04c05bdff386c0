"""Jobs that write no answer: a welcome, a menu's entry, a question taken back, a question for a person."""

from typing import Literal, Protocol

import structlog

from bot.access import Access
from bot.cards.buttons import welcome_card
from bot.errors import Owed
from bot.inbox.queue import Job, Jobs
from bot.intake.bot_identity import Identity
from bot.intake.command_handlers import Obedience
from bot.intake.commands import WORDS, Command
from bot.intake.replies import Voice, mentioning
from bot.intake.suggestions import examples
from bot.models import Answer
from bot.repositories.chat_facts import Ledger, Suggestion
from bot.repositories.owner_questions import Gap, Gaps
from bot.repositories.turns import Conversations
from bot.settings.people import PeopleSettings
from bot.texts import Language, Texts, language_of, texts
from feishu.api.messages import short_id
from feishu.clock import Clock
from feishu.errors import TargetGone
from rag.errors import RagError
from rag.index.outline import Title
from rag.scope import Scope

log = structlog.get_logger(__name__)

GROUP_SCOPE = "im:message.group_msg"
SETTLED_AFTER_S = 20.0
LOOK_EVERY_S = 0.2


class IndexStore(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    async def titles(self, scope: Scope, limit: int = 200) -> tuple[Title, ...]: ...


class Errands:
    """Runs them. Raises `FeishuError` and `Owed` for what should be tried again."""

    def __init__(
        self,
        voice: Voice,
        shelf: IndexStore,
        obedience: Obedience,
        ledger: Ledger,
        gaps: Gaps,
        jobs: Jobs,
        conversations: Conversations,
        identity: Identity,
        settings: PeopleSettings,
        access: Access,
        *,
        clock: Clock,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._voice = voice
        self._shelf = shelf
        self._obedience = obedience
        self._ledger = ledger
        self._gaps = gaps
        self._jobs = jobs
        self._conversations = conversations
        self._identity = identity
        self._settings = settings
        self._access = access
        self._clock = clock
        self._language = language

    async def welcome(self, job: Job) -> str:
        """Once a chat, with three questions that the documents answer."""
        chat_id, chat_type = str(job.payload["chat_id"]), str(job.payload["chat_type"])
        key = f"welcome:{chat_id}"
        if await self._ledger.noted(job.app_id, key):
            return "was welcomed before"
        wording = texts(self._language_for(""))
        bot = await self._identity.get()
        scope = self._access.in_chat(chat_id, chat_type, str(job.payload.get("person", "")))
        questions = await self._examples(wording, scope)
        where = (job.app_id, chat_id, chat_type, chat_id, "")
        offered = [
            Suggestion(f"w{short_id(chat_id)[:30]}-{number}", *where, question, collection)
            for number, (question, collection) in enumerate(questions)
        ]
        await self._ledger.suggest(offered)
        card = welcome_card(
            bot.app_name, [(each.id, each.question) for each in offered], wording, group=chat_type != "p2p"
        )
        try:
            await self._voice.show(chat_id, card, uuid=short_id("welcome", job.app_id, chat_id))
        except TargetGone as error:
            return f"nobody to welcome: {error}"
        await self._ledger.once(job.app_id, key)
        return "welcomed"

    async def menu(self, job: Job) -> str:
        """An entry of the bot's menu, answered in private."""
        kind = WORDS.get(str(job.payload["key"]).strip().lower().lstrip("/"))
        person = str(job.payload["open_id"])
        wording = texts(self._language_for(""))
        if kind is None:
            await self._voice.tell(person, wording.help_text, uuid=f"menu-{job.app_id[-20:]}-{job.id}")
            return "an unknown entry of the menu"
        chat_id = await self._ledger.private_chat_of(job.app_id, person)
        where = chat_id or person
        command = Command(kind)
        scope = self._access.in_chat(where, "p2p", person)
        said = await self._obedience.do(
            job.app_id, command, wording, scope, person=person, chat_id=where, conversation=where
        )
        await self._voice.tell(person, said, uuid=f"menu-{job.app_id[-20:]}-{job.id}")
        return f"obeyed /{kind}"

    async def await_end(self, job: Job) -> str | None:
        """The turn of a question that was taken back, once nothing writes into its card any more. Raises `Owed`."""
        message_id = str(job.payload["message_id"])
        waited_s = 0.0
        while await self._jobs.is_open(job.app_id, message_id):
            if waited_s > SETTLED_AFTER_S:
                raise Owed("the answer to a question that was taken back is still being written")
            await self._clock.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        await self._ledger.recall(job.app_id, message_id)
        return await self._ledger.turn_of_question(job.app_id, message_id)

    async def ask_person(self, job: Job) -> str:
        """Mentions the owners of the nearest documents; in private chats they are written to."""
        found = await self._conversations.look_up(str(job.payload["answer_id"]))
        if found is None:
            return "the answer is gone"
        turn, answer = found
        scope = self._access.in_chat(turn.chat_id, turn.chat_type, turn.asker)
        owners = owners_of(self._settings, collections_in(answer, scope))
        wording = texts(self._language_for(turn.question))
        scopes = self._identity.scopes or frozenset()
        how = wording.person_reply if turn.chat_type == "p2p" or GROUP_SCOPE in scopes else wording.person_reply_mention
        question = (turn.standalone if scope.shows(answer.collections) else "") or turn.question
        said = f"{wording.person_asked.format(question=question[:500])}\n{how}"
        if turn.chat_type == "p2p":
            for number, owner in enumerate(owners):
                sent = await self._voice.tell(owner, mentioning((), said), uuid=short_id("gap", turn.id, owner))
                gap_id = f"{turn.id}.{number}" if number else turn.id
                await self._gaps.asked(
                    Gap(gap_id, job.app_id, turn.chat_id, question, turn.asker, (owner,), sent.message_id)
                )
            return "owners were told"
        uuid = short_id("gap", turn.id)
        sent = await self._voice.mention(turn.question_message_id, owners, said, uuid=uuid, chat_id=turn.chat_id)
        thread_id = turn.conversation.partition("/")[2]
        await self._gaps.asked(
            Gap(turn.id, job.app_id, turn.chat_id, question, turn.asker, owners, sent.message_id, thread_id)
        )
        return "owners were mentioned"

    async def apologise(self, job: Job) -> None:
        """Tells who pressed a menu's entry or asked for a person that it came to nothing; of the other kinds nobody
        waits for an end."""
        if job.kind == "menu":
            said, person = texts(self._language_for("")).failed_errand, str(job.payload["open_id"])
            await self._voice.tell(person, said, uuid=short_id("given-up", job.app_id, str(job.id)))
        elif job.kind == "ask_person" and (found := await self._conversations.look_up(str(job.payload["answer_id"]))):
            turn, _ = found
            said, uuid = texts(self._language_for(turn.question)).failed_errand, short_id("given-up", turn.id)
            await self._voice.mention(turn.question_message_id, (), said, uuid=uuid, chat_id=turn.chat_id)

    async def _examples(self, wording: Texts, scope: Scope) -> list[tuple[str, str]]:
        try:
            return examples(await self._shelf.titles(scope), wording)
        except RagError as error:
            log.info("no_examples", reason=str(error))
            return []

    def _language_for(self, text: str) -> Language:
        return language_of(text, preferred=self._language)


def collections_in(answer: Answer, scope: Scope) -> list[str]:
    """The collections of an answer's sources that may be seen now, the nearest first."""
    return [source.collection for source in answer.sources if scope.shows((source.collection,))]


def owners_of(settings: PeopleSettings, collections: list[str]) -> tuple[str, ...]:
    """Whom to ask about documents of these collections; the owners of everything (`*`) where none has its own."""
    own = [owner for name in dict.fromkeys(collections) for owner in settings.owners.get(name, [])]
    return tuple(dict.fromkeys(own or settings.owners.get("*", [])))
