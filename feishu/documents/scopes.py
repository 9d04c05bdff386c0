"""The scopes that reading documents needs: for each purpose those of which any one is enough, the least first."""

from collections.abc import Collection

NEEDED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("wiki spaces and pages", ("wiki:wiki:readonly", "wiki:wiki")),
    ("drive folders", ("drive:drive:readonly", "space:document:retrieve", "drive:drive")),
    ("documents with pictures and places", ("docx:document:readonly", "docx:document")),
    ("documents whose blocks are closed", ("docs:document.content:read",)),
    ("spreadsheets", ("sheets:spreadsheet:readonly", "sheets:spreadsheet", "drive:drive:readonly", "drive:drive")),
    ("spreadsheets as they are seen, old documents", ("docs:document:export", "drive:export:readonly")),
    ("bitables", ("bitable:app:readonly", "bitable:app", "base:record:retrieve")),
    ("files of the drive", ("drive:file:download", "drive:drive:readonly", "drive:drive")),
    ("pictures and attachments", ("docs:document.media:download", "drive:drive:readonly", "drive:drive")),
    ("when documents were edited", ("drive:drive.metadata:readonly", "drive:drive")),
    ("reports of edits", ("docs:event:subscribe", "drive:drive")),
)


def missing(granted: Collection[str]) -> list[tuple[str, str]]:
    """Purposes that no granted scope serves, each with the least scope that would."""
    return [(purpose, scopes[0]) for purpose, scopes in NEEDED if not set(scopes) & set(granted)]
