"""Personal data and its end: after the time that the settings allow, or when a person asks for it."""

from sqlalchemy import ColumnElement, Connection, delete, select

from bot.database import Database
from bot.job import ENDED_STATES
from bot.tables import answer_messages, answers, attachments, gaps, jobs, remarks, suggestions, traces, turns, votes
from feishu.clock import Clock, SystemClock

DAY_S = 86_400.0


class Forgetting:
    """Deletes questions, answers, votes, files, remarks and traces."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def person(self, open_id: str) -> int:
        """Everything that somebody asked, sent, voted or remarked; gives the number of questions."""

        def work(connection: Connection) -> int:
            ended = (jobs.c.asker == open_id) & jobs.c.state.in_(ENDED_STATES)
            connection.execute(delete(jobs).where(ended))
            connection.execute(delete(votes).where(votes.c.voter == open_id))
            connection.execute(delete(remarks).where(remarks.c.author == open_id))
            connection.execute(delete(attachments).where(attachments.c.sender == open_id))
            connection.execute(delete(gaps).where((gaps.c.asked_by == open_id) | (gaps.c.replied_by == open_id)))
            return _forget_turns(connection, turns.c.asker == open_id)

        return await self._database.write(work)

    async def older_than(self, days: float) -> int:
        """Everything that is older; gives the number of questions. 0 days keep it for ever."""
        if not days:
            return 0
        since = self._clock.time() - days * DAY_S

        def work(connection: Connection) -> int:
            for table in (votes, remarks):
                connection.execute(delete(table).where(table.c.at < since))
            for table in (attachments, gaps, suggestions, traces):
                connection.execute(delete(table).where(table.c.created_at < since))
            return _forget_turns(connection, turns.c.created_at < since)

        return await self._database.write(work)

    async def attachments_of(self, app_id: str, conversation: str) -> None:
        """The files of one conversation (`/new`)."""
        mine = (attachments.c.app_id == app_id) & (attachments.c.conversation == conversation)
        await self._database.write(lambda connection: connection.execute(delete(attachments).where(mine)) and None)


def _forget_turns(connection: Connection, which: ColumnElement[bool]) -> int:
    ids = select(turns.c.id).where(which)
    its_answers = select(answers.c.id).where(answers.c.turn_id.in_(ids))
    connection.execute(delete(votes).where(votes.c.answer_id.in_(its_answers)))
    connection.execute(delete(answer_messages).where(answer_messages.c.answer_id.in_(its_answers)))
    connection.execute(delete(suggestions).where(suggestions.c.turn_id.in_(ids)))
    connection.execute(delete(gaps).where(gaps.c.id.in_(ids)))
    written_by = select(answers.c.job_id).where(answers.c.turn_id.in_(ids))
    connection.execute(delete(traces).where(traces.c.job_id.in_(written_by)))
    connection.execute(delete(answers).where(answers.c.turn_id.in_(ids)))
    return connection.execute(delete(turns).where(which)).rowcount
