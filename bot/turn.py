"""One job, from question to closed card. Read `Turns.run` as a table of contents."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol, assert_never

import structlog

from bot import views
from bot.breakpoints import reach
from bot.conversations import Answer, AnswerOutcome, CardState, Conversations, Source, Turn, new_turn_id
from bot.delivery import Delivery, Outbox
from bot.errors import Owed
from bot.final_card import final, reason_card
from bot.identity import Identity
from bot.jobs import Job, JobState
from bot.metrics import Metrics
from bot.outcomes import Completed, Exhausted, Failed, Outcome, Stopped, words
from bot.progress import Progress, ended, fold
from bot.texts import Language, Texts, language_of, texts
from feishu.clock import Clock
from feishu.errors import FeishuError, TargetGone
from feishu.events import Mention, MessageReceived, mentions_bot, text_of
from rag.errors import RagError
from rag.events import AnswerEvent, Question

log = structlog.get_logger(__name__)

MAX_QUESTION_CHARS = 4_000
SNIPPET_CHARS = 200
REASONING_KEPT_CHARS = 8_000
TICK_S = 2.0
FORGIVEN_AFTER_S = 24 * 3600.0

_TABLE_RULE = re.compile(r"\|?[\s:|-]*-{3}[\s:|-]*")
_MARKS = re.compile(r"\*\*|`+|(?:^|(?<=\s))(?:#{1,6}|>)(?=\s)")


class Answers(Protocol):
    """What a turn needs of `rag.library.Library`."""

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]: ...


class StopSignal:
    """Set by the worker when somebody asked to stop the job."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.by = ""

    def ask(self, by: str) -> None:
        self.by = by
        self._asked.set()

    async def wait(self) -> str:
        await self._asked.wait()
        return self.by


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended, for the store."""

    state: JobState
    reason: str = ""


class Turns:
    """Answers jobs. Anything raised means: not done yet, try again later (`LeaseLost`: stop, another has it)."""

    def __init__(
        self,
        library: Answers,
        outbox: Outbox,
        conversations: Conversations,
        identity: Identity,
        metrics: Metrics,
        *,
        clock: Clock,
        language: Literal["auto", "zh", "en"] = "auto",
        debt_s: float = 120.0,
    ) -> None:
        self._library = library
        self._outbox = outbox
        self._conversations = conversations
        self._identity = identity
        self._metrics = metrics
        self._clock = clock
        self._language = language
        self._debt_s = debt_s

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """The whole turn: read the question, open the card, answer into it, store the answer, close the card."""
        if job.kind == "redraw":
            return await self._redraw(job)
        if job.kind == "ask_reason":
            return await self._ask_reason(job)
        wanted = None if job.turn_id else await self._read_question(job)
        if isinstance(wanted, Ended):
            return wanted
        turn, answer = await self._conversations.begin(job, wanted)
        wording = texts(self._language_for(turn.question))
        if answer.outcome == "open":
            return await self._answer(job, turn, answer, stop, wording)
        return await self._pay(job, turn, answer, wording)

    async def bury(self, job: Job) -> None:
        """Closes the card of a job that failed too often with a sentence that says so."""
        if job.kind not in ("answer", "regenerate"):
            return
        wanted = None if job.turn_id else new_turn(job, message_of(job), "…")
        turn, answer = await self._conversations.begin(job, wanted)
        wording = texts(self._language_for(turn.question))
        if answer.outcome == "open":
            progress = ended(Progress(), Exhausted(job.attempt - 1))
            answer = conclude(answer, progress, wording, seconds=None, first_token_s=None)
            await self._conversations.save_answer(job, answer)
        await self._close(job, turn, answer, wording)

    async def _read_question(self, job: Job) -> Turn | Ended:
        """The turn to begin; or the end, where the message asks nothing of us."""
        message = message_of(job)
        needs_identity = message.chat_type != "p2p" or bool(message.mentions)
        bot_open_id = (await self._identity.get()).open_id if needs_identity else ""
        if job.payload.get("undecided") and not mentions_bot(message, bot_open_id):
            return Ended("cancelled", "does not mention this bot")
        question = text_of(message, bot_open_id=bot_open_id).strip()[:MAX_QUESTION_CHARS]
        if question:
            return new_turn(job, message, question)
        wording = texts(self._language_for(question))
        is_text = message.message_type in ("text", "post")
        try:
            await self._outbox.say(
                job, message.message_id, wording.empty_question if is_text else wording.unsupported_message
            )
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done", "nothing to answer")

    async def _answer(self, job: Job, turn: Turn, answer: Answer, stop: StopSignal, wording: Texts) -> Ended:
        resumed = job.is_resumed and bool(turn.card_id)
        opening = views.opening_card(turn, answer, wording, resumed=resumed)
        try:
            delivery = await self._outbox.open(job, turn, opening)
        except TargetGone as error:
            log.info("question_is_gone", reason=str(error))
            return Ended("cancelled", "the question was recalled or its chat is gone")
        try:
            return await self._answer_into(delivery, job, turn, answer, stop, wording)
        finally:
            await delivery.aclose()

    async def _answer_into(
        self, delivery: Delivery, job: Job, turn: Turn, answer: Answer, stop: StopSignal, wording: Texts
    ) -> Ended:
        writing = _Writing(self._library, delivery, wording, self._clock, self._metrics)
        progress = await writing.run(Question(turn.question), stop)
        seconds = self._clock.monotonic() - writing.started_at
        answer = conclude(answer, progress, wording, seconds=seconds, first_token_s=writing.first_token_s)
        await self._conversations.save_answer(job, answer)
        self._metrics.turn_ended(answer.outcome, seconds)
        reach("before-final")
        try:
            await delivery.finish(final(await self._state(turn, answer), wording))
        except FeishuError as error:
            raise Owed(f"the answer is stored, its card is not closed: {error}") from error
        return Ended("cancelled" if answer.outcome == "stopped" else "done", answer.outcome)

    async def _pay(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> Ended:
        """The answer is stored already; only its last frame is still owed.

        A card that cannot be written for `debt_s` has its answer sent as a new message; it is closed when it can be.
        """
        owed_s = self._clock.time() - (answer.concluded_at or answer.created_at)
        try:
            if owed_s > self._debt_s and not answer.sent_apart:
                await self._send_apart(job, turn, answer, wording)
                answer = replace(answer, sent_apart=True)
            return await self._close(job, turn, answer, wording)
        except FeishuError as error:
            if owed_s > FORGIVEN_AFTER_S:
                return Ended("failed", f"the card was never closed: {error}")
            raise Owed(f"the answer is stored, its card is not closed: {error}") from error

    async def _send_apart(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> None:
        notice = "\n".join(part for part in (wording.new_card_note, answer.notice) if part)
        state = await self._state(turn, replace(answer, notice=notice))
        await self._outbox.send_apart(turn, answer.id, final(state, wording))
        await self._conversations.mark_sent_apart(job, answer.id)
        log.warning("answer_sent_apart", answer_id=answer.id)

    async def _state(self, turn: Turn, answer: Answer) -> CardState:
        """What the card shows of this very answer."""
        stored = await self._conversations.card_state(turn.id, answer_id=answer.id)
        versions = stored.versions if stored else (answer.id,)
        up, down = (stored.up, stored.down) if stored else (0, 0)
        return CardState(turn, answer, versions, up, down)

    async def _redraw(self, job: Job) -> Ended:
        """New totals, another version, the reason form: whatever the store says now. Left to a version under way."""
        state = await self._conversations.card_state(job.turn_id)
        if state is None or await self._conversations.is_writing(job.turn_id):
            return Ended("done", "nothing to redraw")
        wording = texts(self._language_for(state.turn.question))
        await self._outbox.redraw(job, state.turn, final(state, wording).card)
        return Ended("done", "redrawn")

    async def _ask_reason(self, job: Job) -> Ended:
        """Why 👎, asked of the clicker alone."""
        wording = texts(self._language_for(str(job.payload["question"])))
        card = reason_card(str(job.payload["answer_id"]), wording)
        await self._outbox.ask_alone(str(job.payload["chat_id"]), str(job.payload["open_id"]), card)
        return Ended("done", "asked")

    async def _close(self, job: Job, turn: Turn, answer: Answer, wording: Texts) -> Ended:
        closing = final(await self._state(turn, answer), wording)
        try:
            delivery = await self._outbox.open(job, turn, closing.card)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        try:
            await delivery.finish(closing)
        finally:
            await delivery.aclose()
        return Ended("done", answer.outcome)

    def _language_for(self, question: str) -> Language:
        return language_of(question, preferred=self._language)


class _Writing:
    """Runs the answerer into a delivery until it ends, fails, or somebody stops it."""

    def __init__(self, library: Answers, delivery: Delivery, wording: Texts, clock: Clock, metrics: Metrics) -> None:
        self._library = library
        self._delivery = delivery
        self._wording = wording
        self._clock = clock
        self._metrics = metrics
        self.progress = Progress()
        self.started_at = clock.monotonic()
        self.first_token_s: float | None = None

    async def run(self, question: Question, stop: StopSignal) -> Progress:
        """The last progress, with its outcome set. Cancelling this (shutdown) cancels the model call."""
        writing = asyncio.create_task(self._write(question))
        stopping = asyncio.create_task(stop.wait())
        ticking = asyncio.create_task(self._tick())
        try:
            await asyncio.wait({writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                await _cancel(writing)
                return ended(self.progress, Stopped(stop.by))
            return ended(self.progress, _outcome_of(writing))
        finally:
            await _cancel(writing)
            await _cancel(stopping)
            await _cancel(ticking)

    async def _tick(self) -> None:
        """Until the first words come, the stage line shows that time passes and nobody sleeps."""
        while not self.progress.text:
            await self._clock.sleep(TICK_S)
            self._show()

    def _show(self) -> None:
        elapsed_s = self._clock.monotonic() - self.started_at
        self._delivery.show(partial(views.frame, self.progress, self._wording, elapsed_s=elapsed_s))

    async def _write(self, question: Question) -> None:
        async with contextlib.aclosing(self._library.answer(question)) as events:
            async for event in events:
                self.progress = fold(self.progress, event)
                if self.progress.text and self.first_token_s is None:
                    self.first_token_s = self._clock.monotonic() - self.started_at
                    self._metrics.first_token(self.first_token_s)
                self._show()


async def _cancel(task: "asyncio.Task[object]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


def _outcome_of(writing: "asyncio.Task[None]") -> Outcome:
    error = writing.exception()
    if error is None:
        return Completed()
    if not isinstance(error, RagError):
        log.error("answering_failed", exc_info=error)
    else:
        log.warning("answering_failed", kind=type(error).__name__, reason=str(error))
    return Failed(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))


def message_of(job: Job) -> MessageReceived:
    """The message whose question the job answers, as it was accepted."""
    stored = job.payload["message"]
    return MessageReceived(**{**stored, "mentions": tuple(Mention(**mention) for mention in stored["mentions"])})


def conversation_of(message: MessageReceived) -> str:
    """Chat plus topic: what is answered one after the other."""
    return f"{message.chat_id}/{message.thread_id}" if message.thread_id else message.chat_id


def new_turn(job: Job, message: MessageReceived, question: str) -> Turn:
    """The turn that a job begins when it has none yet."""
    return Turn(
        id=job.turn_id or new_turn_id(),
        app_id=job.app_id,
        conversation=job.conversation,
        chat_id=message.chat_id,
        chat_type=message.chat_type,
        question_message_id=message.message_id,
        asker=message.sender_open_id,
        question=question,
    )


def conclude(
    answer: Answer, progress: Progress, wording: Texts, *, seconds: float | None, first_token_s: float | None
) -> Answer:
    """The answer as it will be stored and shown."""
    if progress.outcome is None:
        raise ValueError("only an ended progress can be concluded")
    finished = progress.finished
    return replace(
        answer,
        outcome=_outcome_name(progress.outcome, answered=progress.answered),
        text=progress.text,
        reasoning=progress.reasoning[:REASONING_KEPT_CHARS],
        notice=words(progress.outcome, wording, has_text=bool(progress.text)),
        sources=sources_of(progress),
        model=(finished.model or "") if finished else "",
        usage=_usage(progress),
        seconds=seconds,
        first_token_s=first_token_s,
    )


def sources_of(progress: Progress) -> tuple[Source, ...]:
    """The passages as sources; those the answer cites come first in their number's order."""
    cited = set(progress.finished.citations) if progress.finished else set()
    return tuple(
        Source(
            number=number,
            title=passage.chunk.title,
            heading_path=" › ".join(name for name in passage.chunk.headings if name != passage.chunk.title),
            snippet=snippet_of(passage.chunk.text),
            source=passage.chunk.source,
            link=passage.chunk.link,
            cited=number in cited,
        )
        for number, passage in enumerate(progress.passages or (), start=1)
    )


def snippet_of(text: str) -> str:
    """The beginning of a passage in one line, without Markdown's marks."""
    rows = (line for line in text.splitlines() if not _TABLE_RULE.fullmatch(line.strip()))
    line = " ".join(" ".join(rows).replace("|", " ").split())
    return _MARKS.sub("", line)[:SNIPPET_CHARS]


def _usage(progress: Progress) -> dict[str, int] | None:
    usage = progress.finished.usage if progress.finished else None
    return {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens} if usage else None


def _outcome_name(outcome: Outcome, *, answered: bool) -> AnswerOutcome:
    match outcome:
        case Completed():
            return "completed" if answered else "unanswered"
        case Stopped():
            return "stopped"
        case Failed() | Exhausted():
            return "failed"
        case _:
            assert_never(outcome)
