"""Questions and answers of the web door in the store: the same tables as those of the chats, without jobs and cards."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import orjson
from sqlalchemy import Connection, func, insert, select, update

from bot.access.rules import Access
from bot.models import Answer, Turn
from bot.repositories.shown_documents import ShownTo, record_shown
from bot.repositories.turns import Conversations, behind_of, new_turn_id, turn_values, verified_text
from bot.storage.database import Database
from bot.storage.tables import NO_SOURCES, answers, turns, votes
from feishu.clock import Clock
from rag.events import Exchange
from rag.scope import Scope

WEB = "web"
HISTORY_TURNS = 6
TURNS_SHOWN = 200
_NO_JOB_BITS = 62


class WebStore:
    """Turns of chat type `web`. `asker` is the caller's name; nobody sees what another caller asked."""

    def __init__(self, database: Database, access: Access, *, clock: Clock) -> None:
        self.access = access
        self._database = database
        self._clock = clock
        self._conversations = Conversations(database, clock=clock)

    def new(self, asker: str, conversation_id: str, question: str) -> tuple[Turn, Answer]:
        """A new turn with an open answer, not stored yet."""
        now = self._clock.time()
        turn = Turn(
            id=new_turn_id(),
            app_id=WEB,
            conversation=conversation_key(asker, conversation_id),
            chat_id=WEB,
            chat_type=WEB,
            question_message_id=conversation_id,
            asker=asker,
            question=question,
            created_at=now,
        )
        return turn, _open_answer(turn.id, 1, now)

    def _shown(self, scope: Scope) -> Callable[[frozenset[str]], bool]:
        return partial(self.access.shows, scope)

    async def history(self, turn: Turn, scope: Scope) -> tuple[Exchange, ...]:
        """The exchanges before the turn in its conversation that may be seen, oldest first."""
        return await self._database.read(lambda connection: _history(connection, turn, self._shown(scope)))

    async def begin(self, turn: Turn, answer: Answer) -> None:
        """Stores a new turn with its open answer."""

        def work(connection: Connection) -> None:
            connection.execute(insert(turns).values(**turn_values(turn)))
            _insert_answer(connection, answer)

        await self._database.write(work)

    async def begin_version(self, turn: Turn, scope: Scope) -> tuple[Answer, tuple[Exchange, ...]]:
        """An open answer that is the turn's next version, and the exchanges before the turn that may be seen."""
        now = self._clock.time()

        def work(connection: Connection) -> tuple[Answer, tuple[Exchange, ...]]:
            last = connection.scalar(select(func.max(answers.c.version)).where(answers.c.turn_id == turn.id))
            answer = _open_answer(turn.id, (last or 0) + 1, now)
            _insert_answer(connection, answer)
            return answer, _history(connection, turn, self._shown(scope))

        return await self._database.write(work)

    async def conclude(self, answer: Answer, *, standalone: str = "") -> int:
        """Stores how an answer ended and how its question was understood ("" as asked); gives the number that stands
        for its job."""
        now = self._clock.time()
        values = {
            "outcome": answer.outcome,
            "text": answer.text.replace("\x00", ""),
            "notice": answer.notice,
            "reasoning": answer.reasoning.replace("\x00", ""),
            "sources": orjson.dumps(answer.sources).decode(),
            "model": answer.model,
            "usage": orjson.dumps(answer.usage).decode(),
            "leaned_on": orjson.dumps(answer.leaned_on).decode(),
            "confidence": answer.confidence,
            "level": answer.level,
            "is_calibrated": answer.is_calibrated,
            "ending": answer.ending,
            "verified": verified_text(answer.verified),
            "first_token_s": answer.first_token_s,
            "seconds": answer.seconds,
            "concluded_at": now,
        }

        def work(connection: Connection) -> int:
            kept = update(answers).where(answers.c.id == answer.id).values(**values).returning(answers.c.job_id)
            job_id = connection.scalar(kept) or 0
            shown = update(turns).where(turns.c.id == answer.turn_id)
            shown = shown.values(shown_answer=answer.id, standalone=standalone).returning(turns.c.asker)
            asker = connection.scalar(shown)
            if asker is not None and self.access.mirrors:  # the page lists what was found, cited or not
                record_shown(connection, answer.id, answer.sources, ShownTo(WEB, WEB, asker), now)
            return job_id

        return await self._database.write(work)

    async def look_up(self, asker: str, answer_id: str) -> tuple[Turn, Answer] | None:
        """An answer that was given to this caller on the web."""
        found = await self._conversations.look_up(answer_id)
        return found if found and found[0].chat_type == WEB and found[0].asker == asker else None

    async def was_verified(self, turn_id: str) -> bool:
        """Whether a version of the turn's answer is one that somebody stands for."""
        return await self._conversations.was_verified(turn_id)

    async def job_of(self, answer_id: str) -> int:
        """The number that stands for an answer's job; 0 for none."""
        found = select(answers.c.job_id).where(answers.c.id == answer_id)
        return await self._database.read(lambda connection: connection.scalar(found)) or 0

    async def conversation(self, asker: str, conversation_id: str) -> list[tuple[Turn, list[Answer], dict[str, str]]]:
        """Turns, oldest first, with all versions of their answers and the caller's votes (answer id → up or down)."""

        def work(connection: Connection) -> list[tuple[str, list[str], dict[str, str]]]:
            mine = turns.c.conversation == conversation_key(asker, conversation_id)
            newest = select(turns.c.id).where(mine).order_by(turns.c.created_at.desc()).limit(TURNS_SHOWN)
            ids = list(connection.scalars(newest))[::-1]
            versions: dict[str, list[str]] = {turn_id: [] for turn_id in ids}
            wanted = select(answers.c.turn_id, answers.c.id).where(answers.c.turn_id.in_(ids))
            for turn_id, answer_id in connection.execute(wanted.order_by(answers.c.version)):
                versions[turn_id].append(answer_id)
            voted = select(votes.c.answer_id, votes.c.vote).join(answers, answers.c.id == votes.c.answer_id)
            cast = dict(connection.execute(voted.where(answers.c.turn_id.in_(ids), votes.c.voter == asker)).all())
            return [(turn_id, versions[turn_id], cast) for turn_id in ids]

        told = []
        for _turn_id, answer_ids, cast in await self._database.read(work):
            found = [await self._conversations.look_up(answer_id) for answer_id in answer_ids]
            pairs = [pair for pair in found if pair]
            if pairs:
                mine = {answer.id: cast[answer.id] for _, answer in pairs if answer.id in cast}
                told.append((pairs[0][0], [answer for _, answer in pairs], mine))
        return told

    async def end_interrupted(self, before: float, notice_for: Callable[[str], str]) -> int:
        """Ends as failed what began before a time and is still open, with a notice for its question; gives how many.

        Choose the time so that whoever wrote these answers is dead. One who lives after all overwrites this at its end.
        """
        now = self._clock.time()
        still_open = (answers.c.outcome == "open") & (answers.c.created_at < before) & (turns.c.chat_type == WEB)

        def work(connection: Connection) -> int:
            found = select(answers.c.id, turns.c.id, turns.c.question).join(turns, turns.c.id == answers.c.turn_id)
            ended = 0
            for answer_id, turn_id, question in connection.execute(found.where(still_open)).all():
                values = {"outcome": "failed", "notice": notice_for(question), "concluded_at": now}
                mark = update(answers).where(answers.c.id == answer_id, answers.c.outcome == "open").values(**values)
                ended += connection.execute(mark).rowcount
                unshown = update(turns).where(turns.c.id == turn_id, turns.c.shown_answer == "")
                connection.execute(unshown.values(shown_answer=answer_id))
            return ended

        return await self._database.write(work)


def conversation_key(asker: str, conversation_id: str) -> str:
    """What keeps the conversations of two callers apart, whatever ids they choose."""
    return f"{WEB}/{asker}/{conversation_id}"


def _open_answer(turn_id: str, version: int, now: float) -> Answer:
    return replace(Answer("a" + secrets.token_hex(12), turn_id, version, "open"), created_at=now)


def _insert_answer(connection: Connection, answer: Answer) -> None:
    """No job writes it: its place among the jobs is a negative number of its own."""
    no_job = -1 - secrets.randbits(_NO_JOB_BITS)
    row = {"id": answer.id, "turn_id": answer.turn_id, "version": answer.version, "created_at": answer.created_at}
    connection.execute(insert(answers).values(job_id=no_job, outcome="open", **row))


def _history(connection: Connection, turn: Turn, shows: Callable[[frozenset[str]], bool]) -> tuple[Exchange, ...]:
    """What was answered before, of each turn the newest version that may be seen; no pleasantries."""
    before = (turns.c.conversation == turn.conversation) & (turns.c.created_at < turn.created_at)
    earlier = (
        select(turns.c.id, turns.c.question, turns.c.standalone, answers.c.text, answers.c.sources, answers.c.leaned_on)
        .join(answers, answers.c.turn_id == turns.c.id)
        .where(before, answers.c.outcome.in_(("answered", "hedged")))
        .where((answers.c.sources != NO_SOURCES) | (answers.c.verified != ""))
        .order_by(turns.c.created_at.desc(), answers.c.version.desc())
        .limit(HISTORY_TURNS * 4)
    )
    told: dict[str, Exchange] = {}
    for turn_id, question, standalone, text, sources, leaned_on in connection.execute(earlier):
        behind = frozenset((*orjson.loads(leaned_on), *behind_of(sources)))
        if shows(behind):
            told.setdefault(turn_id, Exchange(standalone or question, text, behind))
    return tuple(list(told.values())[:HISTORY_TURNS][::-1])
