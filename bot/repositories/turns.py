"""What was asked and answered: a turn is one question and its card, an answer is one version of its reply.

Messages beside the card that hold an answer are known, so that none is sent twice and a question can take them along.
"""

import secrets
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, case, func, insert, select, update

from bot.errors import StoreError
from bot.inbox.queue import guard
from bot.job import ContinuePayload, Job
from bot.models import Answer, CardState, LeftOut, Source, Turn, behind
from bot.repositories.shown_documents import ShownTo, record_shown
from bot.storage.database import Database
from bot.storage.tables import answer_messages, answers, jobs, turns, votes
from feishu.clock import Clock, SystemClock
from rag.events import Verification
from rag.scope import DEFAULT_COLLECTION


class SentMessages:
    """Of each answer, by what they hold: `apart` and `text` all of it, `withheld` fixed words, a number that part."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def note(self, job: Job, answer_id: str, part: str, message_id: str, **values: Any) -> None:
        """One more; `message_id` is "" where the platform did not say it. `values` are columns of the answer that
        change with it. Raises `LeaseLost`."""
        row = {"answer_id": answer_id, "part": part, "message_id": message_id, "at": self._clock.time()}

        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(insert(answer_messages).values(**row))
            if values:
                connection.execute(update(answers).where(answers.c.id == answer_id).values(**values))

        await self._database.write(work)

    async def of_answer(self, answer_id: str) -> frozenset[str]:
        """What was sent of it."""
        statement = select(answer_messages.c.part).where(answer_messages.c.answer_id == answer_id)
        return await self._database.read(lambda connection: frozenset(connection.scalars(statement)))

    async def of_turn(self, turn_id: str) -> list[str]:
        """The ids of all messages that hold something of its answers."""
        of_turn = answer_messages.c.answer_id.in_(select(answers.c.id).where(answers.c.turn_id == turn_id))
        statement = select(answer_messages.c.message_id).where(of_turn, answer_messages.c.message_id != "")
        return await self._database.read(lambda connection: list(connection.scalars(statement)))

    async def apart(self, turn_id: str) -> list[str]:
        """The ids of the messages that hold a whole answer to it as a card."""
        of_turn = answer_messages.c.answer_id.in_(select(answers.c.id).where(answers.c.turn_id == turn_id))
        statement = select(answer_messages.c.message_id).where(
            of_turn, answer_messages.c.part == "apart", answer_messages.c.message_id != ""
        )
        return await self._database.read(lambda connection: list(connection.scalars(statement)))


class Conversations:
    """Turns and answers in the store. Every write made for a job is guarded by the job's fence (`LeaseLost`)."""

    def __init__(self, database: Database, *, clock: Clock | None = None, records_shown: bool = False) -> None:
        """`records_shown`: which documents an answer shows is recorded with it."""
        self._database = database
        self._clock = clock or SystemClock()
        self._records_shown = records_shown
        self.sent = SentMessages(database, clock=self._clock)

    async def begin(self, job: Job, wanted: Turn | None) -> tuple[Turn, Answer]:
        """The turn and the answer of this job, made once: a resumed job finds what it made before.

        `wanted` is the turn to make when the job has none yet. The answer that continues another begins with its text.
        """
        now = self._clock.time()

        def work(connection: Connection) -> tuple[Turn, Answer]:
            guard(connection, job)
            turn = _turn(connection, job.turn_id) if job.turn_id else None
            if turn is None:
                if wanted is None:
                    raise StoreError(f"job {job.id} belongs to turn {job.turn_id}, which is not in the store")
                turn = replace(wanted, created_at=now)
                connection.execute(insert(turns).values(**turn_values(turn)))
                connection.execute(update(jobs).where(jobs.c.id == job.id).values(turn_id=turn.id))
            mine = select(answers).where(answers.c.job_id == job.id)
            row = connection.execute(mine).one_or_none()
            if row is None:
                _open_answer(connection, turn.id, job, now)
                row = connection.execute(mine).one()
            return turn, _answer(row)

        return await self._database.write(work)

    async def remember_card(self, job: Job, turn_id: str, **values: Any) -> None:
        """Stores what a resumed job needs: any of `card_id`, `card_message_id`, `sequence`."""
        now = self._clock.time()

        def work(connection: Connection) -> None:
            guard(connection, job)
            if values.get("card_id") or values.get("card_message_id"):
                values["card_at"] = now
            if (ceiling := values.pop("sequence", None)) is not None:  # never back: two jobs may write to one card
                values["sequence"] = case((turns.c.sequence < ceiling, ceiling), else_=turns.c.sequence)
            connection.execute(update(turns).where(turns.c.id == turn_id).values(**values))

        await self._database.write(work)

    async def save_answer(self, job: Job, answer: Answer) -> None:
        """Stores a concluded answer, which its card shows from now on; of one whose question is gone, no word."""

        def work(connection: Connection) -> None:
            guard(connection, job)
            turn = _turn(connection, answer.turn_id)
            is_gone = turn is not None and turn.recalled
            kept = replace(answer, text="", notice="", reasoning="", sources=(), verified=None) if is_gone else answer
            now = self._clock.time()
            if turn is not None and self._records_shown:
                record_shown(
                    connection, answer.id, kept.on_card, ShownTo(turn.chat_id, turn.chat_type, turn.asker), now
                )
            connection.execute(
                update(answers)
                .where(answers.c.id == answer.id)
                .values(
                    outcome=answer.outcome,
                    text=kept.text,
                    notice=kept.notice,
                    reasoning=kept.reasoning,
                    sources=orjson.dumps(kept.sources).decode(),
                    model=answer.model,
                    usage=orjson.dumps(answer.usage).decode(),
                    leaned_on=orjson.dumps(answer.leaned_on).decode(),
                    confidence=answer.confidence,
                    level=answer.level,
                    is_calibrated=answer.is_calibrated,
                    ending=answer.ending,
                    verified=verified_text(kept.verified),
                    first_token_s=answer.first_token_s,
                    seconds=answer.seconds,
                    concluded_at=now,
                )
            )
            shown = update(turns).where(turns.c.id == answer.turn_id)
            connection.execute(shown.values(shown_answer=answer.id, reason_asked=""))

        await self._database.write(work)

    async def reworded(
        self,
        job: Job,
        turn_id: str,
        question: str,
        read_text: str,
        *,
        unread: bool = False,
        left_out: tuple[LeftOut, ...] = (),
    ) -> Turn:
        """The question was edited, or its pictures were read: what it asks now, to be understood anew. Gives the turn
        as it is stored; nothing is kept of a question that was taken back meanwhile."""

        def work(connection: Connection) -> Turn:
            guard(connection, job)
            now = {"question": question, "read_text": read_text, "standalone": "", "unread": unread}
            now |= {"left_out": orjson.dumps(left_out).decode()}
            kept = (turns.c.id == turn_id) & ~turns.c.recalled
            connection.execute(update(turns).where(kept).values(**now))
            turn = _turn(connection, turn_id)
            if turn is None:
                raise StoreError(f"turn {turn_id} is not in the store")
            return turn

        return await self._database.write(work)

    async def understood(self, job: Job, turn_id: str, standalone: str) -> None:
        """How a question that leans on earlier ones was understood."""

        def work(connection: Connection) -> None:
            guard(connection, job)
            kept = (turns.c.id == turn_id) & ~turns.c.recalled
            connection.execute(update(turns).where(kept).values(standalone=standalone))

        await self._database.write(work)

    async def mark(self, job: Job, answer_id: str, **values: Any) -> None:
        """How an answer reached people: `sent_apart` (as a new message), `shown_as` (what its card shows of it)."""

        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(update(answers).where(answers.c.id == answer_id).values(**values))

        await self._database.write(work)

    async def show(self, turn_id: str, *, answer_id: str | None = None, reason_asked: str | None = None) -> None:
        """What the card shall show from its next drawing on; None leaves a choice as it is."""
        values = {"shown_answer": answer_id, "reason_asked": reason_asked}
        given = {name: value for name, value in values.items() if value is not None}
        statement = update(turns).where(turns.c.id == turn_id).values(**given)
        await self._database.write(lambda connection: connection.execute(statement) and None)

    async def card_state(self, turn_id: str, *, answer_id: str = "") -> CardState | None:
        """What the turn's card shows now (or the given version of it); None while nothing is concluded."""

        def work(connection: Connection) -> CardState | None:
            turn = _turn(connection, turn_id)
            if turn is None:
                return None
            concluded = (answers.c.turn_id == turn_id) & (answers.c.outcome != "open")
            rows = connection.execute(select(answers).where(concluded).order_by(answers.c.version)).all()
            wanted = answer_id or turn.shown_answer
            shown = next((row for row in rows if row.id == wanted), rows[-1] if rows else None)
            if shown is None:
                return None
            counted = select(votes.c.vote, func.count()).where(votes.c.answer_id == shown.id).group_by(votes.c.vote)
            totals: dict[str, int] = dict(connection.execute(counted).all())
            ids = tuple(row.id for row in rows)
            leaned_on = frozenset(name for row in rows for name in orjson.loads(row.leaned_on))
            return CardState(turn, _answer(shown), ids, totals.get("up", 0), totals.get("down", 0), leaned_on)

        return await self._database.read(work)

    async def newest(self, app_id: str, conversation: str) -> tuple[Turn, Answer] | None:
        """The last question of a conversation that has an answer, with the version that its card shows."""
        mine = (turns.c.app_id == app_id) & (turns.c.conversation == conversation)
        shown = select(turns.c.shown_answer).where(mine, turns.c.shown_answer != "", ~turns.c.recalled)
        last = shown.order_by(turns.c.created_at.desc()).limit(1)
        answer_id = await self._database.read(lambda connection: connection.scalar(last))
        return await self.look_up(answer_id) if answer_id else None

    async def was_verified(self, turn_id: str) -> bool:
        """Whether a version of the turn's answer is one that somebody stands for."""
        verified = select(answers.c.id).where(answers.c.turn_id == turn_id, answers.c.verified != "").limit(1)
        return await self._database.read(lambda connection: connection.scalar(verified)) is not None

    async def is_writing(self, turn_id: str) -> bool:
        """Whether a version of the turn's answer is being written."""
        statement = select(answers.c.id).where(answers.c.turn_id == turn_id, answers.c.outcome == "open").limit(1)
        return await self._database.read(lambda c: c.scalar(statement)) is not None

    async def look_up(self, answer_id: str) -> tuple[Turn, Answer] | None:
        """The answer of this id and its turn."""

        def work(connection: Connection) -> tuple[Turn, Answer] | None:
            row = connection.execute(select(answers).where(answers.c.id == answer_id)).one_or_none()
            turn = _turn(connection, row.turn_id) if row else None
            return (turn, _answer(row)) if row and turn else None

        return await self._database.read(work)


def behind_of(sources: str) -> set[str]:
    """What stored sources (JSON) come from (`bot.models.behind`)."""
    stored = ((source.get("collection", DEFAULT_COLLECTION), source["source"]) for source in orjson.loads(sources))
    return {name for collection, source in stored for name in behind(collection, source)}


def verified_text(verified: Verification | None) -> str:
    """Who stands for an answer, as it is stored."""
    return orjson.dumps(verified).decode() if verified else ""


def turn_values(turn: Turn) -> dict[str, Any]:
    """A turn as a row of the store."""
    stored = {name: getattr(turn, name) for name in Turn.__slots__}
    return {**stored, "left_out": orjson.dumps(turn.left_out).decode()}


def new_turn_id() -> str:
    """Unguessable, though nothing relies on that."""
    return "t" + secrets.token_hex(12)


def _open_answer(connection: Connection, turn_id: str, job: Job, now: float) -> None:
    last = connection.scalar(select(func.max(answers.c.version)).where(answers.c.turn_id == turn_id))
    connection.execute(
        insert(answers).values(
            id="a" + secrets.token_hex(12),
            turn_id=turn_id,
            version=(last or 0) + 1,
            job_id=job.id,
            outcome="open",
            created_at=now,
            **_begun_with(connection, job),
        )
    )


def _begun_with(connection: Connection, job: Job) -> dict[str, Any]:
    """What an answer has from the version that it continues: its text, and what stands behind that. However it ends,
    nothing of it is lost."""
    if job.kind != "continue":
        return {}
    continued = (answers.c.id == ContinuePayload.of(job).answer_id) & (answers.c.turn_id == job.turn_id)
    row = connection.execute(select(answers).where(continued)).one_or_none()
    if row is None:
        return {}
    leaned_on = orjson.dumps(sorted(_answer(row).behind)).decode()
    return {"text": row.text, "sources": row.sources, "leaned_on": leaned_on, "ending": row.ending}


def _turn(connection: Connection, turn_id: str) -> Turn | None:
    row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
    if row is None:
        return None
    left_out = tuple(LeftOut(**each) for each in orjson.loads(row.left_out))
    return Turn(**{**row._mapping, "left_out": left_out})


def _answer(row: Any) -> Answer:
    stored = {name: getattr(row, name) for name in Answer.__slots__}
    stored["sources"] = tuple(Source(**source) for source in orjson.loads(row.sources))
    stored["usage"] = orjson.loads(row.usage)
    stored["verified"] = Verification(**orjson.loads(row.verified)) if row.verified else None
    stored["leaned_on"] = tuple(orjson.loads(row.leaned_on))
    return Answer(**stored)
