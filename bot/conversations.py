"""What was asked and answered: a turn is one question and its card, an answer is one version of its reply."""

import secrets
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, func, insert, select, update

from bot.database import Database
from bot.errors import StoreError
from bot.jobs import Job, guard
from bot.tables import answers, jobs, turns
from feishu.clock import Clock, SystemClock

AnswerOutcome = Literal["open", "completed", "unanswered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question, where it was asked, and the card that answers it (ids are "" until they are known)."""

    id: str
    app_id: str
    conversation: str
    chat_id: str
    chat_type: str
    question_message_id: str
    asker: str
    question: str
    card_id: str = ""
    card_message_id: str = ""
    sequence: int = 0
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """What a card's source line shows, frozen with the answer so that a re-ingest cannot change its past."""

    number: int
    title: str
    heading_path: str
    snippet: str
    source: str
    link: str | None
    cited: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One version of a turn's reply. `notice` is what the card says about its end, beside the text."""

    id: str
    turn_id: str
    version: int
    outcome: AnswerOutcome
    text: str = ""
    notice: str = ""
    sources: tuple[Source, ...] = ()
    model: str = ""
    usage: dict[str, int] | None = None
    first_token_s: float | None = None
    seconds: float | None = None
    created_at: float = 0.0


class Conversations:
    """Turns and answers in the store. Every write made for a job is guarded by the job's fence (`LeaseLost`)."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def begin(self, job: Job, wanted: Turn | None) -> tuple[Turn, Answer]:
        """The turn and the answer of this job, made once: a resumed job finds what it made before.

        `wanted` is the turn to make when the job has none yet.
        """
        now = self._clock.time()

        def work(connection: Connection) -> tuple[Turn, Answer]:
            guard(connection, job)
            turn = _turn(connection, job.turn_id) if job.turn_id else None
            if turn is None:
                if wanted is None:
                    raise StoreError(f"job {job.id} belongs to turn {job.turn_id}, which is not in the store")
                turn = replace(wanted, created_at=now)
                connection.execute(insert(turns).values(**{name: getattr(turn, name) for name in Turn.__slots__}))
                connection.execute(update(jobs).where(jobs.c.id == job.id).values(turn_id=turn.id))
            row = connection.execute(select(answers).where(answers.c.job_id == job.id)).one_or_none()
            return turn, _answer(row) if row else _open_answer(connection, turn.id, job.id, now)

        return await self._database.write(work)

    async def remember_card(self, job: Job, turn_id: str, **values: Any) -> None:
        """Stores what a resumed job needs: any of `card_id`, `card_message_id`, `sequence`."""

        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(update(turns).where(turns.c.id == turn_id).values(**values))

        await self._database.write(work)

    async def save_answer(self, job: Job, answer: Answer) -> None:
        """Stores an answer's text and outcome."""

        def work(connection: Connection) -> None:
            guard(connection, job)
            connection.execute(
                update(answers)
                .where(answers.c.id == answer.id)
                .values(
                    outcome=answer.outcome,
                    text=answer.text,
                    notice=answer.notice,
                    sources=orjson.dumps(answer.sources).decode(),
                    model=answer.model,
                    usage=orjson.dumps(answer.usage).decode(),
                    first_token_s=answer.first_token_s,
                    seconds=answer.seconds,
                )
            )

        await self._database.write(work)

    async def look_up(self, answer_id: str) -> tuple[Turn, Answer] | None:
        """The answer of this id and its turn."""

        def work(connection: Connection) -> tuple[Turn, Answer] | None:
            row = connection.execute(select(answers).where(answers.c.id == answer_id)).one_or_none()
            turn = _turn(connection, row.turn_id) if row else None
            return (turn, _answer(row)) if row and turn else None

        return await self._database.read(work)


def new_turn_id() -> str:
    """Unguessable, though nothing relies on that."""
    return "t" + secrets.token_hex(12)


def _open_answer(connection: Connection, turn_id: str, job_id: int, now: float) -> Answer:
    last = connection.scalar(select(func.max(answers.c.version)).where(answers.c.turn_id == turn_id))
    answer = Answer("a" + secrets.token_hex(12), turn_id, (last or 0) + 1, "open", created_at=now)
    connection.execute(
        insert(answers).values(
            id=answer.id,
            turn_id=turn_id,
            version=answer.version,
            job_id=job_id,
            outcome="open",
            created_at=now,
        )
    )
    return answer


def _turn(connection: Connection, turn_id: str) -> Turn | None:
    row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
    return Turn(**row._mapping) if row else None


def _answer(row: Any) -> Answer:
    return Answer(
        id=row.id,
        turn_id=row.turn_id,
        version=row.version,
        outcome=row.outcome,
        text=row.text,
        notice=row.notice,
        sources=tuple(Source(**source) for source in orjson.loads(row.sources)),
        model=row.model,
        usage=orjson.loads(row.usage),
        first_token_s=row.first_token_s,
        seconds=row.seconds,
        created_at=row.created_at,
    )
