"""A store that an earlier version wrote is opened, and its cards show what they showed."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.cards.final_view import final
from bot.inbox.claim import Shares
from bot.inbox.queue import Jobs
from bot.intake.policy import Policy, refusal_of
from bot.repositories.turns import Conversations
from bot.settings.people import PeopleSettings
from bot.storage.database import Database
from bot.texts import ZH
from tests.integration.conftest import button, words

SOURCES = (
    '[{"number":1,"title":"费用报销制度","heading_path":"时限","snippet":"十个工作日","source":"a.md","link":null,'
    '"cited":%s,"collection":"default"}]'
)
AFTER_STEP = 8


def as_written_before(path: Path) -> None:
    """The store at step 8: answers without level, calibration and ending, and outcomes by their earlier names."""
    with sqlite3.connect(path) as store:
        for column in ("level", "is_calibrated", "ending"):
            store.execute(f"ALTER TABLE answers DROP COLUMN {column}")
        store.execute("DELETE FROM schema_migrations WHERE number > ?", (AFTER_STEP,))
        for number, (outcome, text, cited) in enumerate(
            [("completed", "十个工作日 [1]。", "true"), ("unanswered", "根据现有资料无法回答此问题", "false")]
        ):
            turn, answer = f"t{number}", f"a{number}"
            store.execute(
                "INSERT INTO turns (id, app_id, conversation, chat_id, chat_type, question_message_id, asker, question,"
                " card_id, card_message_id, sequence, shown_answer, created_at)"
                " VALUES (?, 'cli', 'oc', 'oc', 'group', ?, 'ou', '多久内报销？', 'c', 'om', 3, ?, 1.0)",
                (turn, f"om_{number}", answer),
            )
            store.execute(
                "INSERT INTO answers (id, turn_id, version, job_id, outcome, text, notice, sources, model, confidence,"
                " seconds, created_at, concluded_at) VALUES (?, ?, 1, ?, ?, ?, '', ?, 'm-1', 0.87, 1.0, 1.0, 2.0)",
                (answer, turn, number + 1, outcome, text, SOURCES % cited),
            )
    store.close()


def as_written_before_shares(connection: Connection) -> None:
    """The store at step 9: jobs without chat and cost, files without size, nothing of what was downloaded."""
    for index in ("jobs_asker", "jobs_chat", "jobs_asker_open", "jobs_chat_open"):
        connection.execute(text(f"DROP INDEX {index}"))
    for table, column in (("jobs", "chat_id"), ("jobs", "cost"), ("attachments", "size")):
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    connection.execute(text("DROP TABLE received_files"))
    connection.execute(text("DELETE FROM schema_migrations WHERE number > 9"))
    connection.execute(
        text(
            "INSERT INTO jobs (app_id, key, kind, conversation, asker, payload, state, created_at)"
            " VALUES ('cli', 'event:1', 'regenerate', 'oc', 'ou_a', :payload, 'queued', 1.0)"
        ),
        {"payload": '{"by": "ou_a"}'},
    )
    connection.execute(
        text(
            "INSERT INTO attachments (id, app_id, conversation, message_id, sender, name, text, created_at)"
            " VALUES ('f1', 'cli', 'oc', 'om', 'ou_a', 'a.md', 'ten signs.', 1.0)"
        )
    )


async def test_what_waited_before_shares_were_counted_runs_and_files_get_their_size(store_url: str) -> None:
    before = Database(store_url)
    before.migrate()
    await before.write(as_written_before_shares)
    before.close()
    database = Database(store_url)
    database.migrate()
    job = await Jobs(database, lease_s=8.0, shares=Shares.of(64)).claim()
    assert job is not None and (job.asker, job.chat_id) == ("ou_a", "")
    assert refusal_of(job, Policy(PeopleSettings(deny_people=["ou_a"]))) == "not_for_you"
    assert await database.read(lambda connection: connection.scalar(text("SELECT size FROM attachments"))) == 10
    database.close()


@pytest.fixture
def store(tmp_path: Path) -> Database:
    path = tmp_path / "bot.db"
    Database(f"sqlite:///{path}").migrate()
    as_written_before(path)
    database = Database(f"sqlite:///{path}")
    database.migrate()
    return database


async def test_cards_of_an_earlier_version_are_drawn_as_they_were(store: Database) -> None:
    conversations = Conversations(store)
    answered, unknown = [await conversations.card_state(turn) for turn in ("t0", "t1")]
    assert answered is not None and unknown is not None
    assert (answered.answer.outcome, unknown.answer.outcome) == ("answered", "no_evidence")
    card, other = final(answered, ZH).card, final(unknown, ZH).card
    assert (card["header"]["template"], other["header"]["template"]) == ("green", "orange")
    assert "十个工作日 [1]。" in words(card) and "📎 参考资料（1）" in words(card)
    assert "🔎 最接近的资料（1）" in words(other) and "可以换个说法再问" in words(other)
    for each in (card, other):
        assert "把握" not in words(each), "a figure that nobody calibrated is shown no more"
        assert button({"card": each}, "continue") is None and button({"card": each}, "regenerate")
    store.close()
