"""What each command does, typed in a chat or chosen in the bot's menu."""

from dataclasses import dataclass

from bot.access.rules import Access
from bot.inbox.queue import Jobs
from bot.intake.commands import Command
from bot.intake.intake import conversation_of
from bot.intake.replies import Replier
from bot.intake.smalltalk import HasTitles, greeting, kind_words
from bot.intake.source_reasons import AskedIn, SourceReasons
from bot.job import Job
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.erasure import Erasure
from bot.repositories.history import ChatHistory
from bot.texts import Texts
from feishu.events.types import MessageReceived
from rag.errors import RagError
from rag.scope import Scope

SOURCES_LISTED = 30


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Does what commands say, and says so."""

    voice: Replier
    documents: HasTitles
    memory: ChatHistory
    forgetting: Erasure
    ledger: ChatFacts
    jobs: Jobs
    access: Access
    reasons: SourceReasons

    async def obey(self, job: Job, message: MessageReceived, command: Command, wording: Texts) -> None:
        """A typed command."""
        who = message.sender_open_id
        scope = await self.access.scope(message.chat_id, message.chat_type, who)
        place = AskedIn(message.chat_id, message.chat_type, who, conversation_of(message), message.parent_id)
        said = await self.do(job.app_id, command, wording, scope, place)
        await self.voice.reply(job, message, said)

    async def do(self, app_id: str, command: Command, wording: Texts, scope: Scope, place: AskedIn) -> str:
        """Does it; gives the words that tell. `scope` is what may be seen where they are told."""
        match command.kind:
            case "help":
                return (await greeting(self.documents, scope, wording.help_text, wording)).text
            case "summary":  # where there is nothing to sum up: in the menu, beside any topic and reply
                return wording.summary_nowhere
            case "sources":
                return await self._sources(wording, scope)
            case "why":
                return await self.reasons.said(app_id, place, scope, wording)
            case "new":
                await self.memory.begin_anew(app_id, place.conversation)
                await self.forgetting.attachments_of(app_id, place.conversation)
                return wording.new_done
            case "stop":
                stopped = await self.jobs.ask_to_stop_in(app_id, place.conversation, by=place.person)
                return wording.stop_done if stopped is not None else wording.stop_nothing
            case "feedback":
                if not command.rest:
                    return wording.feedback_how
                await self.ledger.remark(app_id, place.chat_id, place.person, command.rest)
                return wording.feedback_done
            case "forget":
                count = await self.forgetting.person(place.person)
                return wording.forget_done.format(count=count)
            case "greeting":
                words = wording.greeting_reply.format(help=wording.greeting_help)
                return (await greeting(self.documents, scope, words, wording)).text
            case "thanks" | "farewell" | "noted":
                return kind_words(command, wording)

    async def _sources(self, wording: Texts, scope: Scope) -> str:
        try:
            titles = await self.documents.titles(scope, limit=10_000)
        except RagError:
            return wording.sources_none
        if not titles:
            return wording.sources_none
        names = [f"• {title.title}" + (f" {title.link}" if title.link else "") for title in titles[:SOURCES_LISTED]]
        more = len(titles) - len(names)
        ending = [wording.sources_more.format(count=more)] if more else []
        return "\n".join([wording.sources_title.format(count=len(titles)), *names, *ending])
