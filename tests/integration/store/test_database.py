"""The store's door: who fails alone, who fails together, and how it comes back."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)

from bot.errors import StoreError
from bot.storage.database import Database
from bot.storage.migrations import STEPS, added, created, run_migrations
from bot.storage.tables import jobs, schema_migrations
from tests.support.postgres import Postgres

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("words", String(10), nullable=False))


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    """A store with an extra table."""
    database = Database(store_url)
    await asyncio.to_thread(database.migrate)
    await database.write(lambda connection: notes.create(connection))
    yield database
    await asyncio.to_thread(database.close)


def note(number: int, words: str | None = "") -> Any:
    """Work that writes one row."""

    def work(connection: Connection) -> int:
        connection.execute(insert(notes).values(id=number, words=words))
        return number

    return work


async def stored(database: Database) -> list[int]:
    return await database.read(lambda connection: list(connection.scalars(select(notes.c.id).order_by(notes.c.id))))


async def all_at_once(database: Database, *works: Any) -> list[Any]:
    """Holds the writer up, so that all works make one group."""
    go = threading.Event()
    first = asyncio.create_task(database.write(lambda _connection: go.wait(30)))
    await asyncio.sleep(0)
    rest = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    go.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_one_of_a_group_fails_alone(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        note(7)(connection)
        raise LookupError("no")

    results = await all_at_once(database, note(1), note(2, None), refuse, note(3))
    assert [type(result) for result in results] == [int, StoreError, LookupError, int]
    assert await stored(database) == [1, 3]


async def test_a_lone_work_that_refuses_leaves_nothing(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        note(7)(connection)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.write(refuse)
    with pytest.raises(StoreError, match="store refused"):
        await database.write(note(1, None))
    assert await stored(database) == []
    assert await database.write(note(1)) == 1


async def test_errors_show_nobodys_words(database: Database) -> None:
    await database.write(note(1, "geheim"))
    with pytest.raises(StoreError) as refused:
        await database.write(note(1, "geheim"))
    assert "geheim" not in str(refused.value)


async def test_a_work_nobody_waits_for_any_more_is_left_undone(database: Database) -> None:
    go = threading.Event()
    first = asyncio.create_task(database.write(lambda _connection: go.wait(30)))
    await asyncio.sleep(0)
    given_up = asyncio.create_task(database.write(note(5)))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    go.set()
    await first
    await database.write(note(6))
    assert await stored(database) == [6]


async def test_the_writer_lives_through_anything(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_group: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(database, "_try_group", broken)
        with pytest.raises(StoreError, match="MemoryError"):
            await database.write(note(1))
    assert await database.write(note(1)) == 1


async def test_what_is_waiting_at_the_end_is_still_written(database: Database) -> None:
    writes = [asyncio.create_task(database.write(note(n))) for n in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    assert await asyncio.gather(*writes) == list(range(20))
    with pytest.raises(StoreError, match="closed"):
        await database.write(note(99))


async def test_probe_is_silent_while_all_is_well(database: Database) -> None:
    await database.probe(budget_s=30)


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path}/file/bot.db")


async def test_a_locked_sqlite_refuses_in_time_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.storage.database.BUSY_TIMEOUT_MS", 50)
    database = Database(f"sqlite:///{tmp_path}/bot.db")
    await asyncio.to_thread(database.migrate)
    other = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await database.probe(budget_s=30)
    assert await database.read(lambda connection: connection.scalar(select(text("1")))) == 1
    other.execute("ROLLBACK")
    await database.probe(budget_s=30)
    other.close()
    await asyncio.to_thread(database.close)


async def test_a_deadlock_between_replicas_is_tried_again(postgres: Postgres) -> None:
    url = postgres.url()
    here, there = Database(url), Database(url)
    await asyncio.to_thread(here.migrate)
    await here.write(lambda connection: notes.create(connection))
    for number in (1, 2):
        await here.write(note(number))
    both_hold_one = threading.Barrier(2)

    def crossing(first: int, second: int) -> Any:
        tries: list[int] = []

        def work(connection: Connection) -> int:
            connection.execute(update(notes).where(notes.c.id == first).values(words="a"))
            tries.append(1)
            if len(tries) == 1:
                both_hold_one.wait(30)
            connection.execute(update(notes).where(notes.c.id == second).values(words="b"))
            return len(tries)

        return work

    tries = await asyncio.gather(here.write(crossing(1, 2)), there.write(crossing(2, 1)))
    assert max(tries) > 1
    words = await here.read(lambda connection: list(connection.scalars(select(notes.c.words).order_by(notes.c.id))))
    assert sorted(words) == ["a", "b"]
    for database in (here, there):
        await asyncio.to_thread(database.close)


async def test_a_connection_cut_by_the_server_is_replaced_unnoticed(postgres: Postgres) -> None:
    url = postgres.url()
    database = Database(url)
    await asyncio.to_thread(database.migrate)
    await database.write(lambda connection: notes.create(connection))
    cuts: list[int] = []

    def cut_once(connection: Connection) -> int:
        if not cuts:
            cuts.append(1)
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            with postgres.connect(url) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return int(note(1)(connection))

    assert await database.write(cut_once) == 1
    assert await stored(database) == [1]
    await asyncio.to_thread(database.close)


async def test_a_migration_that_waits_for_somebody_elses_table_says_so(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.url()
    database = Database(url)
    await asyncio.to_thread(database.migrate)
    wanted = Column("later", String(10))
    monkeypatch.setattr("bot.storage.migrations.TABLE_LOCK", "100ms")
    monkeypatch.setitem(STEPS, max(STEPS) + 1, added(Table("jobs", MetaData(), wanted).c.later))
    with postgres.connect(url) as other, other.transaction():
        other.execute("LOCK TABLE jobs IN ACCESS SHARE MODE")  # as a backup does
        with pytest.raises(StoreError, match="another session holds a lock on the tables"):
            await asyncio.to_thread(database.migrate)
    await asyncio.to_thread(database.migrate)
    await asyncio.to_thread(database.close)


async def test_a_server_that_is_down_is_a_store_error_and_comes_back(postgres: Postgres) -> None:
    database = Database(postgres.url())
    await asyncio.to_thread(database.migrate)
    await asyncio.to_thread(postgres.stop)
    try:
        with pytest.raises(StoreError) as caught:
            await database.probe()
        assert "OperationalError" not in str(caught.value)
        with pytest.raises(
            StoreError, match="does not take the connection: start it, or correct host and port in BOT__D"
        ):
            await database.read(lambda connection: connection.scalar(select(jobs.c.id)))
    finally:
        await asyncio.to_thread(postgres.start)
    await database.probe(budget_s=30)
    await asyncio.to_thread(database.close)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"database": "nowhere"},
            r"has no database nowhere: make it \(createdb nowhere\), or correct BOT__DATABASE_URL",
        ),
        ({"username": "nobody_here"}, "has no user nobody_here: make it, or correct BOT__DATABASE_URL"),
        ({"host": "db.invalid"}, "PostgreSQL at db.invalid:.* is not known by that name: correct the host"),
        ({"port": 1}, "PostgreSQL at 127.0.0.1:1 does not take the connection: start it"),
    ],
)
async def test_a_server_that_cannot_be_used_is_told_in_words(
    postgres: Postgres, change: dict[str, Any], words: str
) -> None:
    url = make_url(postgres.url()).set(**change).render_as_string(hide_password=False)
    database = Database(url)
    with pytest.raises(StoreError, match=words) as caught:
        await asyncio.to_thread(database.migrate)
    assert "OperationalError" not in str(caught.value)
    await asyncio.to_thread(database.close)


async def test_replicas_that_start_together_migrate_once(postgres: Postgres) -> None:
    url = postgres.url()
    databases = [Database(url) for _ in range(4)]
    await asyncio.gather(*(asyncio.to_thread(database.migrate) for database in databases))
    done = await databases[0].read(lambda connection: list(connection.scalars(select(schema_migrations.c.number))))
    assert sorted(done) == sorted(STEPS)
    for database in databases:
        await asyncio.to_thread(database.close)


async def test_an_older_store_gets_what_it_lacks_and_a_newer_one_is_refused(database: Database) -> None:
    later = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("tag", String(8)))
    extra = Table("extra", MetaData(), Column("id", Integer, primary_key=True))
    steps = {**STEPS, 901: added(later.c.tag), 902: created(extra)}
    await database.write(lambda connection: run_migrations(connection, steps))
    await database.write(lambda connection: run_migrations(connection, steps))

    def look(connection: Connection) -> tuple[set[str], bool]:
        seen = inspect(connection)
        return {column["name"] for column in seen.get_columns("notes")}, seen.has_table("extra")

    assert await database.read(look) == ({"id", "words", "tag"}, True)
    with pytest.raises(StoreError, match="newer version"):
        await database.write(lambda connection: run_migrations(connection))


async def test_a_new_store_needs_no_later_step(database: Database) -> None:
    steps = {**STEPS, 901: added(jobs.c.reason)}  # what step 1 has made already
    await database.write(lambda connection: run_migrations(connection, steps))
