"""The tables of the store, for SQLite and PostgreSQL alike. Times are seconds since the epoch."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite only gives ROWID (never reused with AUTOINCREMENT) to a column declared exactly INTEGER.
_serial = BigInteger().with_variant(Integer, "sqlite")

OPEN = "state IN ('queued', 'running')"
"""Said in the same words by the queries that want to use the partial indexes below."""

NO_SOURCES = "[]"
"""The sources of an answer that was not looked up: an answered one is kind words for a greeting or thanks."""


def _open_index(name: str, *columns: str, where: str = OPEN, unique: bool = False) -> Index:
    """An index that holds open jobs only: it stays small, and what has ended costs nothing."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


jobs = Table(
    "jobs",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("key", Text, nullable=False, comment="what makes it unique within the app, like event:<event id>"),
    Column("second_key", Text, comment="another such id, like message:<message id>"),
    Column("kind", String(16), nullable=False),
    Column("conversation", Text, nullable=False),
    Column("asker", Text, nullable=False, server_default="", comment="who started it"),
    Column("chat_id", Text, nullable=False, server_default="", comment="where"),
    Column("cost", Double, nullable=False, server_default="0", comment="of what a person may start; a question is 1"),
    Column("payload", Text, nullable=False, comment="JSON"),
    Column("state", String(16), nullable=False, comment="queued, running, done, failed, cancelled, buried"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0", comment="rises with each claim; guards every write"),
    Column("owner", String(128), nullable=False, server_default=""),
    Column("lease_until", Double, nullable=False, server_default="0"),
    Column("run_after", Double, nullable=False, server_default="0"),
    Column("shown_place", Integer, nullable=False, server_default="0", comment="place in the queue its card tells"),
    Column("shown_at", Double, nullable=False, server_default="0", comment="when the card was told"),
    Column("stop_by", String(64), nullable=False, server_default="", comment="who asked to stop it"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("waits_for", String(64), nullable=False, server_default="", comment="see bot.inbox.verdicts"),
    Column("deferrals", Integer, nullable=False, server_default="0", comment="waits in a row that are no attempts"),
    Column("given_up", String(16), nullable=False, server_default="", comment="why; its asker is still to be told"),
    Column("crashes", Integer, nullable=False, server_default="0", comment="in a row; see bot.inbox.crashes"),
    Column("alone", Integer, nullable=False, server_default="0", comment="crashes in which nothing else ran"),
    Column("company", Integer, nullable=False, server_default="0", comment="most jobs that may run with it; 0: any"),
    Column("turn_id", String(40), nullable=False, server_default=""),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    UniqueConstraint("app_id", "key"),
    UniqueConstraint("app_id", "second_key"),
    _open_index("jobs_open", "id"),
    _open_index("jobs_line", "app_id", "conversation", "id"),
    _open_index("jobs_turn", "turn_id"),
    _open_index("jobs_one_running", "app_id", "conversation", where="state = 'running'", unique=True),
    _open_index("jobs_asker_open", "asker"),
    _open_index("jobs_chat_open", "chat_id"),
    Index("jobs_asker", "asker", "created_at"),
    Index("jobs_chat", "chat_id", "created_at"),
    _open_index("jobs_ended", "state", "finished_at", where="finished_at IS NOT NULL"),
    sqlite_autoincrement=True,
)

turns = Table(
    "turns",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("conversation", String(256), nullable=False),
    Column("chat_id", String(128), nullable=False),
    Column("chat_type", String(16), nullable=False),
    Column("question_message_id", String(128), nullable=False),
    Column("asker", String(128), nullable=False),
    Column("question", Text, nullable=False),
    Column("card_id", String(64), nullable=False, server_default=""),
    Column("card_message_id", String(128), nullable=False, server_default="", index=True),
    Column("card_at", Double, nullable=False, server_default="0", comment="when the card was sent"),
    Column("sequence", Integer, nullable=False, server_default="0", comment="ceiling reserved for the card"),
    Column("shown_answer", String(40), nullable=False, server_default="", comment="the version the card shows"),
    Column("reason_asked", String(40), nullable=False, server_default="", comment="answer whose card asks why 👎"),
    Column("parent_turn", String(40), nullable=False, server_default="", comment="the turn whose card was replied to"),
    Column("standalone", Text, nullable=False, server_default="", comment="the question as it was understood"),
    Column("read_text", Text, nullable=False, server_default="", comment="what was read from an image or a file"),
    Column("recalled", Boolean, nullable=False, server_default=text("false"), comment="its question was taken back"),
    Column("left_out", Text, nullable=False, server_default="[]", comment="JSON: what was quoted and not read"),
    Column("unread", Boolean, nullable=False, server_default=text("false"), comment="it has pictures to be read first"),
    Column("created_at", Double, nullable=False, index=True),
    Index("turns_conversation", "app_id", "conversation", "created_at"),
    Index("turns_asker", "asker", "created_at"),
    Index("turns_question", "question_message_id"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("turn_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("job_id", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False, comment="open, answered, hedged, no_evidence, stopped, failed"),
    Column("text", Text, nullable=False, server_default=""),
    Column("notice", Text, nullable=False, server_default=""),
    Column("reasoning", Text, nullable=False, server_default=""),
    Column("sources", Text, nullable=False, server_default=NO_SOURCES, comment="JSON"),
    Column("leaned_on", Text, nullable=False, server_default="[]", comment="JSON: collections behind its history"),
    Column("confidence", Double, comment="that the passages answer the question, 0 to 1"),
    Column("level", String(8), nullable=False, server_default="", comment="confidence in words: high, medium, low"),
    Column("is_calibrated", Boolean, nullable=False, server_default=text("false"), comment="shown as a percentage"),
    Column("ending", String(16), nullable=False, server_default="", comment="how its text was cut: rag.events.Ending"),
    Column("verified", Text, nullable=False, server_default="", comment="JSON: who stands for it, until when"),
    Column("model", String(128), nullable=False, server_default=""),
    Column("usage", Text, nullable=False, server_default="null", comment="JSON"),
    Column("first_token_s", Double),
    Column("seconds", Double),
    Column("created_at", Double, nullable=False, index=True),
    Column("concluded_at", Double, comment="when its text was whole; its last frame may still be owed"),
    Column("sent_apart", Boolean, nullable=False, server_default=text("false"), comment="went out as a new message"),
    Column("shown_as", String(16), nullable=False, server_default="", comment="bot.models.ShownAs"),
    UniqueConstraint("turn_id", "version"),
    UniqueConstraint("job_id"),
)

answer_messages = Table(
    "answer_messages",
    metadata,
    Column("answer_id", String(40), primary_key=True),
    Column("part", String(16), primary_key=True, comment="what it holds: apart, text, withheld, or a part's number"),
    Column("message_id", String(128), nullable=False, comment='"" where the platform did not say it'),
    Column("at", Double, nullable=False),
)

fallbacks = Table(
    "fallbacks",
    metadata,
    Column("day", String(10), primary_key=True, comment="UTC, like 2024-05-31"),
    Column("way", String(16), primary_key=True, comment="bot.repositories.fallbacks.Way"),
    Column("code", Integer, primary_key=True, comment="the platform's refusal; 0 where it gave no code"),
    Column("count", Integer, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("answer_id", String(40), primary_key=True),
    Column("voter", String(128), primary_key=True),
    Column("vote", String(8), nullable=False, comment="up or down"),
    Column("reason", String(32), nullable=False, server_default="", comment="why 👎, one of bot.feedback.REASONS"),
    Column("comment", Text, nullable=False, server_default=""),
    Column("at", Double, nullable=False, index=True),
)

onces = Table(
    "onces",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("key", String(256), primary_key=True, comment="what is said or noted once, like welcome:<chat id>"),
    Column("at", Double, nullable=False, index=True),
)

beginnings = Table(
    "beginnings",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("conversation", String(256), primary_key=True),
    Column("at", Double, nullable=False, comment="what was said before is forgotten (/new)"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("chat_id", String(128), nullable=False),
    Column("chat_type", String(16), nullable=False),
    Column("conversation", String(256), nullable=False),
    Column("turn_id", String(40), nullable=False, server_default="", index=True),
    Column("question", Text, nullable=False),
    Column("collection", Text, nullable=False, server_default="", comment="whose document it speaks of"),
    Column("created_at", Double, nullable=False, index=True),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", String(40), primary_key=True, comment="the turn that the documents could not answer"),
    Column("app_id", String(64), nullable=False),
    Column("chat_id", String(128), nullable=False),
    Column("question", Text, nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("owners", Text, nullable=False, server_default="[]", comment="JSON: open ids that were mentioned"),
    Column("message_id", String(128), nullable=False, server_default="", index=True, comment="that mentions them"),
    Column("thread_id", String(128), nullable=False, server_default=""),
    Column("reply", Text, nullable=False, server_default=""),
    Column("replied_by", String(128), nullable=False, server_default=""),
    Column("created_at", Double, nullable=False, index=True),
    Column("replied_at", Double),
)

remarks = Table(
    "remarks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("chat_id", String(128), nullable=False),
    Column("author", String(128), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("at", Double, nullable=False, index=True),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("conversation", String(256), nullable=False, index=True),
    Column("message_id", String(128), nullable=False),
    Column("sender", String(128), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("size", Integer, nullable=False, server_default="0", comment="bytes of the text in UTF-8"),
    Column("created_at", Double, nullable=False, index=True),
    Column("link", Text, nullable=False, server_default="", comment="of a document whose link was pasted"),
    Column("places", Text, nullable=False, server_default="[]", comment="where its headings, sheets and records begin"),
    Column("edited_at", BigInteger, nullable=False, server_default="0", comment="when it was edited; 0 for unknown"),
)

received_files = Table(
    "received_files",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("message_id", String(128), primary_key=True),
    Column("sender", String(128), nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes that were downloaded"),
    Column("at", Double, nullable=False, index=True),
    Index("received_files_sender", "sender", "at"),
)

traces = Table(
    "traces",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False, comment="that of the answer"),
    Column("body", Text, nullable=False, comment="JSON: events with times, passages with scores, prompt, calls"),
    Column("created_at", Double, nullable=False, index=True),
)

prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("name", String(16), nullable=False, index=True, comment="a field of rag.settings.PromptSettings"),
    Column("text", Text, nullable=False, comment='"" for the text of the settings'),
    Column("saved_by", String(128), nullable=False),
    Column("note", Text, nullable=False, comment="what the change is called"),
    Column("at", Double, nullable=False),
    sqlite_autoincrement=True,
)

token_usage = Table(
    "token_usage",
    metadata,
    Column("day", String(10), primary_key=True, comment="of the machine's time, like 2026-05-31"),
    Column("model", String(128), primary_key=True),
    Column("purpose", String(16), primary_key=True, comment="rag.events.Purpose"),
    Column("calls", BigInteger, nullable=False),
    Column("prompt", BigInteger, nullable=False, comment="tokens"),
    Column("completion", BigInteger, nullable=False, comment="tokens"),
)

settled_gaps = Table(
    "settled_gaps",
    metadata,
    Column("question", String(256), primary_key=True, comment="the cluster's first question, normalised"),
    Column("settled_by", String(128), nullable=False),
    Column("at", Double, nullable=False, comment="questions asked before it no longer count"),
)

document_rights = Table(
    "document_rights",
    metadata,
    Column("source", String(256), primary_key=True, comment="of the document, as the index has it"),
    Column("title", Text, nullable=False, server_default=""),
    Column("link", Text, nullable=False, server_default=""),
    Column("page", Text, nullable=False, comment="JSON: token, kind, owner, node, folders"),
    Column("grants", Text, nullable=False, comment="JSON: [principal, rule, where]"),
    Column("closed", String(32), nullable=False, server_default="", comment="why nobody is known who may read it"),
    Column("lets_out", Boolean, nullable=False, server_default=text("false"), comment="shared outside, too"),
    Column("incomplete", Text, nullable=False, server_default="[]", comment="JSON: tokens whose part is not known"),
    Column("missing_scope", Text, nullable=False, server_default=""),
    Column("checked_at", Double, nullable=False, index=True, comment="when the platform was asked"),
)

shown_documents = Table(
    "shown_documents",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("answer_id", String(40), nullable=False, index=True),
    Column("source", Text, nullable=False, comment='of the document, as the index has it; "" where none was shown'),
    Column("collection", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("cited", Boolean, nullable=False),
    Column("chat_id", String(128), nullable=False),
    Column("chat_type", String(16), nullable=False, comment="p2p, group, web, or admin: asked on /admin"),
    Column("asker", String(128), nullable=False, comment="who asked: an open id, a key, an admin's name"),
    Column("asked_as", String(128), nullable=False, server_default="", comment="the person whose rights were used"),
    Column("at", Double, nullable=False, index=True),
    Index("shown_documents_asker", "asker"),
    sqlite_autoincrement=True,
)

ingest_runs = Table(
    "ingest_runs",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("started_by", String(128), nullable=False, server_default="", comment='an admin; "" for the bot itself'),
    Column("what", String(16), nullable=False, comment="bot.repositories.ingest_runs.What"),
    Column("state", String(16), nullable=False, comment="running, waiting, done, failed, stopped"),
    Column("stage", String(16), nullable=False, server_default="", comment="of rag.ingestion.pipeline.ingest"),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("report", Text, nullable=False, server_default="null", comment="JSON"),
    Column("started_at", Double, nullable=False, index=True),
    Column("ended_at", Double),
)

verified_answers = Table(
    "verified_answers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("wording", Text, nullable=False, comment="the question"),
    Column("variants", Text, nullable=False, server_default="[]", comment="JSON: other ways to ask it"),
    Column("answer", Text, nullable=False, comment="Markdown"),
    Column("collection", Text, nullable=False, comment="who may see it may see the answer"),
    Column("evidence", Text, nullable=False, server_default="[]", comment="JSON: passages and their documents' prints"),
    Column("approved_by", String(128), nullable=False, index=True, comment='open id; "" for a key, and once forgotten'),
    Column("approved_name", Text, nullable=False, comment='shown with it; "": nobody stands for it any more'),
    Column("approved_at", Double, nullable=False),
    Column("until", Double, comment="when it ends"),
    Column("state", String(16), nullable=False, server_default="active", comment="active, withdrawn"),
    Column("origin", String(160), nullable=False, server_default="", index=True, comment="like gap:<id>, turn:<id>"),
    Column("asked_about", Text, nullable=False, server_default="", comment="reasons its owner was asked about again"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("changed_at", Double, nullable=False, index=True),
)

verified_versions = Table(
    "verified_versions",
    metadata,
    Column("verified_id", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("what", String(16), nullable=False, comment="made, edited, kept, withdrawn"),
    Column("body", Text, nullable=False, comment="JSON: wording, variants, answer, collection, until"),
    Column("by", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
)

owner_cards = Table(
    "owner_cards",
    metadata,
    Column("id", String(40), primary_key=True, comment="made of owner and week"),
    Column("owner", String(128), nullable=False, index=True),
    Column("body", Text, nullable=False, comment="JSON: what the weekly card asks, without the words of questions"),
    Column("at", Double, nullable=False, index=True),
)

owner_decisions = Table(
    "owner_decisions",
    metadata,
    Column("id", String(40), primary_key=True, comment="made of item, document, decision and person"),
    Column("kind", String(16), nullable=False, comment="gap, disliked, stale, pair"),
    Column("item", String(40), nullable=False),
    Column("what", String(16), nullable=False, comment="write, right, obsolete, not_mine"),
    Column("turn_id", String(40), nullable=False, server_default="", comment="whose question it is about"),
    Column("collection", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default="", comment="of the document that it is about"),
    Column("title", Text, nullable=False, server_default=""),
    Column("by", String(128), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False, index=True),
    Column("undone_by", Text, nullable=False, server_default="", comment="an admin; it counts no more"),
    Column("undone_at", Double),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("id", String(64), primary_key=True, comment="SHA-256 of the session's id, which only the cookie holds"),
    Column("until", Double, nullable=False, index=True),
)

replicas = Table(
    "replicas",
    metadata,
    Column("app_id", String(64), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("share", Double, nullable=False, comment="of the app's call budget, in use now"),
    Column("fixed", Boolean, nullable=False, comment="set by hand"),
    Column("since", Double, nullable=False, comment="heard of without a gap"),
    Column("alive_until", Double, nullable=False),
)

schema_migrations = Table(
    "schema_migrations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("complete", Boolean, nullable=False),
)
