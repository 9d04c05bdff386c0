"""Personal data and its end: after the time that the settings allow, or when a person asks for it."""

from collections.abc import Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from bot.inbox.acceptance import MINUTE_S
from bot.job import ENDED_STATES
from bot.models import quoted_by
from bot.storage.database import Database
from bot.storage.tables import (
    answer_messages,
    answers,
    attachments,
    gaps,
    ingest_runs,
    jobs,
    owner_cards,
    owner_decisions,
    prompt_versions,
    remarks,
    settled_gaps,
    shown_documents,
    suggestions,
    traces,
    turns,
    verified_answers,
    verified_versions,
    votes,
)
from feishu.clock import Clock, SystemClock

DAY_S = 86_400.0
BATCH = 500
TURN_ID_CHARS = 25


class Erasure:
    """Deletes questions, answers, votes, files, remarks, traces, and the record of what was shown."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def person(self, open_id: str) -> int:
        """Everything that somebody asked, sent, voted or remarked; gives the number of questions."""

        def work(connection: Connection) -> int:
            emptied = _leave_open_jobs(connection, open_id)
            _forget_ended_jobs(connection, open_id)
            connection.execute(delete(votes).where(votes.c.voter == open_id))
            connection.execute(delete(remarks).where(remarks.c.author == open_id))
            seen_by = (shown_documents.c.asker == open_id) | (shown_documents.c.asked_as == open_id)
            connection.execute(delete(shown_documents).where(seen_by))
            connection.execute(delete(attachments).where(attachments.c.sender == open_id))
            _leave_unnamed(connection, open_id)
            _leave_unvouched(connection, open_id, self._clock.time())
            connection.execute(delete(owner_cards).where(owner_cards.c.owner == open_id))
            connection.execute(delete(owner_decisions).where(owner_decisions.c.by == open_id))
            connection.execute(delete(gaps).where((gaps.c.asked_by == open_id) | (gaps.c.replied_by == open_id)))
            _leave_unasked(connection, open_id)
            return emptied + _forget_turns(connection, (turns.c.asker == open_id) & ~turns.c.id.in_(_in_work()))

        return await self._database.write(work)

    async def older_than(self, days: float) -> int:
        """Everything that is older; gives the number of questions. 0 days keep it for ever."""
        if not days:
            return 0
        since = self._clock.time() - days * DAY_S

        def work(connection: Connection) -> int:
            for table in (votes, remarks, shown_documents, owner_cards):
                connection.execute(delete(table).where(table.c.at < since))
            for table in (attachments, gaps, suggestions, traces):
                connection.execute(delete(table).where(table.c.created_at < since))
            _forget_withdrawn(connection, since)
            return _forget_turns(connection, turns.c.created_at < since)

        return await self._database.write(work)

    async def attachments_of(self, app_id: str, conversation: str) -> None:
        """The files of one conversation (`/new`)."""
        mine = (attachments.c.app_id == app_id) & (attachments.c.conversation == conversation)
        await self._database.write(lambda connection: connection.execute(delete(attachments).where(mine)) and None)


def erase(connection: Connection, which: ColumnElement[bool]) -> None:
    """Takes every word of these turns and their answers. The rows stay, so that their cards can be emptied, and the ids
    of messages beside the cards, so that these can be recalled."""
    blank = {"recalled": True, "question": "", "standalone": "", "read_text": "", "left_out": "[]"}
    ids = list(connection.scalars(update(turns).where(which).values(**blank).returning(turns.c.id)))
    _forget_around(connection, ids)
    emptied = {"text": "", "notice": "", "reasoning": "", "sources": "[]", "verified": ""}
    connection.execute(update(answers).where(answers.c.turn_id.in_(ids)).values(**emptied))
    connection.execute(update(jobs).where(jobs.c.turn_id.in_(ids), jobs.c.state.in_(ENDED_STATES)).values(payload="{}"))


def _leave_open_jobs(connection: Connection, asker: str) -> int:
    """What waits without a card is dropped; what is being worked on is stopped, and its card emptied. Gives the number
    of questions that were emptied."""
    waits = (jobs.c.asker == asker) & (jobs.c.state == "queued") & (jobs.c.turn_id == "")
    connection.execute(delete(jobs).where(waits))
    open_turns = (turns.c.asker == asker) & turns.c.id.in_(_in_work())
    ids = list(connection.scalars(select(turns.c.id).where(open_turns)))
    erase(connection, turns.c.id.in_(ids))
    still = jobs.c.turn_id.in_(ids) & ~jobs.c.state.in_(ENDED_STATES)
    connection.execute(update(jobs).where(still).values(stop_by="forgotten", run_after=0.0))
    return len(ids)


def _forget_ended_jobs(connection: Connection, open_id: str) -> None:
    """What they cost stays with the job that forgets, or asking to be forgotten would begin the minute anew
    (`bot.inbox.acceptance`)."""
    ended = (jobs.c.asker == open_id) & jobs.c.state.in_(ENDED_STATES)
    latest = select(func.max(jobs.c.created_at)).where(jobs.c.asker == open_id).scalar_subquery()
    recent = ended & (jobs.c.created_at > latest - MINUTE_S)
    cost = connection.scalar(select(func.sum(jobs.c.cost)).where(recent)) or 0.0
    connection.execute(delete(jobs).where(ended))
    running = select(func.max(jobs.c.id)).where(jobs.c.asker == open_id, jobs.c.state == "running").scalar_subquery()
    connection.execute(update(jobs).where(jobs.c.id == running).values(cost=jobs.c.cost + cost))


def _leave_unnamed(connection: Connection, open_id: str) -> None:
    """What they did as an admin stays, and names nobody. Gaps that an earlier version settled say
    what the admin was called."""
    connection.execute(update(ingest_runs).where(ingest_runs.c.started_by == open_id).values(started_by=""))
    connection.execute(update(prompt_versions).where(prompt_versions.c.saved_by == open_id).values(saved_by=""))
    called = select(verified_versions.c.name).where(verified_versions.c.by == open_id)
    called_too = select(owner_decisions.c.name).where(owner_decisions.c.by == open_id)
    names = [open_id, *connection.scalars(called.union(called_too))]
    connection.execute(update(settled_gaps).where(settled_gaps.c.settled_by.in_(names)).values(settled_by=""))
    connection.execute(update(owner_decisions).where(owner_decisions.c.undone_by == open_id).values(undone_by=""))


def _leave_unasked(connection: Connection, open_id: str) -> None:
    """Questions of others that they were asked do not say so any more."""
    theirs = gaps.c.owners.contains(f'"{open_id}"', autoescape=True)
    for row in connection.execute(select(gaps.c.id, gaps.c.owners).where(theirs)).all():
        others = [each for each in orjson.loads(row.owners) if each != open_id]
        connection.execute(update(gaps).where(gaps.c.id == row.id).values(owners=orjson.dumps(others).decode()))


def _leave_unvouched(connection: Connection, open_id: str, now: float) -> None:
    """What they approved is the team's, and stays; without a name behind it, it is given to nobody until somebody else
    stands for it (`bot.jobs.verified`). Answers that were given while they stood for it name nobody."""
    _unname_given(connection, open_id)
    mine = update(verified_answers).where(verified_answers.c.approved_by == open_id)
    connection.execute(mine.values(approved_by="", approved_name="", changed_at=now))
    versions = update(verified_versions).where(verified_versions.c.by == open_id)
    connection.execute(versions.values(by="", name=""))


def _unname_given(connection: Connection, open_id: str) -> None:
    """Takes their name out of the answers to others that were given from what they approved."""
    approved = select(verified_versions.c.verified_id, verified_versions.c.name)
    theirs = {tuple(row) for row in connection.execute(approved.where(verified_versions.c.by == open_id))}
    if not theirs:
        return
    given = select(answers.c.id, answers.c.verified).where(answers.c.verified != "")
    for row in connection.execute(given).all():
        told = orjson.loads(row.verified)
        if (told["id"], told["by"]) in theirs:
            unnamed = orjson.dumps({**told, "by": ""}).decode()
            connection.execute(update(answers).where(answers.c.id == row.id).values(verified=unnamed))


def _forget_withdrawn(connection: Connection, since: float) -> None:
    gone = (verified_answers.c.state == "withdrawn") & (verified_answers.c.changed_at < since)
    ids = select(verified_answers.c.id).where(gone)
    connection.execute(delete(verified_versions).where(verified_versions.c.verified_id.in_(ids)))
    connection.execute(delete(verified_answers).where(gone))


def _in_work() -> Select[tuple[str]]:
    """Turns that a job is open for."""
    return select(jobs.c.turn_id).where(~jobs.c.state.in_(ENDED_STATES))


def _forget_turns(connection: Connection, which: ColumnElement[bool]) -> int:
    ids = list(connection.scalars(select(turns.c.id).where(which)))
    found = 0
    for at in range(0, len(ids), BATCH):
        some = ids[at : at + BATCH]
        _forget_around(connection, some)
        its_answers = select(answers.c.id).where(answers.c.turn_id.in_(some))
        connection.execute(delete(answer_messages).where(answer_messages.c.answer_id.in_(its_answers)))
        connection.execute(delete(answers).where(answers.c.turn_id.in_(some)))
        found += connection.execute(delete(turns).where(turns.c.id.in_(some))).rowcount
    return found


def _forget_around(connection: Connection, ids: Sequence[str]) -> None:
    """Votes, suggested questions, questions for owners and traces of these turns; files that came with them."""
    its_answers = select(answers.c.id).where(answers.c.turn_id.in_(ids))
    connection.execute(delete(votes).where(votes.c.answer_id.in_(its_answers)))
    connection.execute(delete(suggestions).where(suggestions.c.turn_id.in_(ids)))
    connection.execute(delete(gaps).where(func.substr(gaps.c.id, 1, TURN_ID_CHARS).in_(ids)))
    asked = connection.scalars(select(turns.c.question_message_id).where(turns.c.id.in_(ids)))
    connection.execute(delete(attachments).where(attachments.c.conversation.in_([quoted_by(each) for each in asked])))
    written_by = select(answers.c.job_id).where(answers.c.turn_id.in_(ids))
    connection.execute(delete(traces).where(traces.c.job_id.in_(written_by)))
