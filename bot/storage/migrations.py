"""Numbered steps that bring a store up to date at the start; each runs once, in one transaction with all before it.

A step describes what `tables` says today: `added(table.c.column, …)` and `created(table, …)` do nothing where it is
there already, because step 1 makes a new store from the whole of `tables`. Never change a published step.
"""

import time
from collections.abc import Callable

from sqlalchemy import Column, Connection, Index, Table, func, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from bot.errors import StoreError
from bot.storage.tables import (
    admin_sessions,
    answer_messages,
    answers,
    attachments,
    beginnings,
    document_rights,
    fallbacks,
    gaps,
    ingest_runs,
    jobs,
    metadata,
    onces,
    owner_cards,
    owner_decisions,
    prompt_versions,
    received_files,
    remarks,
    replicas,
    schema_migrations,
    settled_gaps,
    shown_documents,
    suggestions,
    token_usage,
    traces,
    turns,
    verified_answers,
    verified_versions,
)

Step = Callable[[Connection], None]

ADVISORY_LOCK = 7_215_361
OTHERS_TURN = "10min"
"""How long another replica's steps may take."""
TABLE_LOCK = "10s"
"""A step that waits for a table keeps everybody else from it, too: better an error that names the reason."""


def created(*things: Table | Index) -> Step:
    """A step that makes tables or indexes that are not there."""

    def step(connection: Connection) -> None:
        for thing in things:
            thing.create(connection, checkfirst=True)

    return step


def added(*columns: Column[object]) -> Step:
    """A step that adds columns to existing tables; a column that is NOT NULL needs a `server_default`."""

    def step(connection: Connection) -> None:
        quote = connection.dialect.identifier_preparer.format_table
        for column in columns:
            there = {found["name"] for found in inspect(connection).get_columns(column.table.name)}
            if column.name not in there:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {quote(column.table)} ADD COLUMN {definition}"))

    return step


def renamed(column: Column[str], values: dict[str, str]) -> Step:
    """A step that gives stored values their new names."""

    def step(connection: Connection) -> None:
        for before, after in values.items():
            connection.execute(update(column.table).where(column == before).values({column: after}))

    return step


def measured(size: Column[int], of: Column[str]) -> Step:
    """A step that fills in the length of a text where a size is not known yet."""

    def step(connection: Connection) -> None:
        connection.execute(update(size.table).where(size == 0).values({size: func.length(of)}))

    return step


def both(*steps: Step) -> Step:
    """Several steps as one."""

    def step(connection: Connection) -> None:
        for each in steps:
            each(connection)

    return step


STEPS: dict[int, Step] = {
    1: metadata.create_all,
    2: both(
        added(turns.c.parent_turn, turns.c.standalone, turns.c.read_text, turns.c.recalled),
        created(onces, beginnings, suggestions, gaps, remarks, attachments, *turns.indexes),
    ),
    3: created(traces, settled_gaps),
    4: added(answers.c.leaned_on, answers.c.confidence, suggestions.c.collection),
    5: both(added(answers.c.shown_as), created(answer_messages, fallbacks)),
    6: created(replicas),
    7: added(turns.c.card_at),
    8: added(turns.c.unread),
    9: both(
        added(answers.c.level, answers.c.is_calibrated, answers.c.ending),
        renamed(answers.c.outcome, {"completed": "answered", "unanswered": "no_evidence"}),
    ),
    10: created(admin_sessions),
    11: added(jobs.c.waits_for, jobs.c.deferrals, jobs.c.given_up, jobs.c.crashes, jobs.c.alone, jobs.c.company),
    12: added(turns.c.left_out),
    13: both(
        added(jobs.c.chat_id, jobs.c.cost, attachments.c.size),
        created(received_files, *jobs.indexes),
        measured(attachments.c.size, attachments.c.text),
    ),
    14: added(attachments.c.link, attachments.c.places, attachments.c.edited_at),
    15: created(document_rights),
    16: created(shown_documents),
    17: both(added(answers.c.verified), created(verified_answers, verified_versions)),
    18: created(token_usage, prompt_versions),
    19: created(ingest_runs),
    20: created(owner_cards, owner_decisions),
}


def run_migrations(connection: Connection, steps: dict[int, Step] | None = None) -> None:
    """Runs what is missing, inside the caller's transaction. Replicas that start together take turns.

    Raises `StoreError` when a newer version of the program has written the store.
    """
    steps = STEPS if steps is None else steps
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{OTHERS_TURN}'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_LOCK}'"))
    schema_migrations.create(connection, checkfirst=True)
    done = set(connection.scalars(select(schema_migrations.c.number)))
    if done and max(done) > max(steps):
        raise StoreError(
            f"the store was written by a newer version (step {max(done)}, this one knows {max(steps)}); "
            "install that version, or restore the backup made before it"
        )
    for number, step in sorted(steps.items()):
        if number not in done:
            step(connection)
            connection.execute(schema_migrations.insert().values(number=number, at=time.time(), complete=True))
