"""One setting says whether what is hidden in office files is read, and files are read again when it changes."""

import contextlib
from pathlib import Path

import pytest

from rag.ingestion.files import reader_mark
from rag.ingestion.readers import Readers
from rag.ingestion.selection import select
from rag.settings import RagSettings, ReadingSettings
from tests.support.spreadsheets import on_first, xlsx


@pytest.mark.parametrize("include_hidden", [False, True])
def test_the_reading_process_knows_the_setting(include_hidden: bool) -> None:
    content = xlsx(
        [("项目", "数"), ("甲", 1), ("密", 2)],
        change=on_first(lambda sheet: setattr(sheet.row_dimensions[3], "hidden", True)),
    )
    with contextlib.closing(Readers(ReadingSettings(include_hidden=include_hidden))) as readers:
        parsed = readers.read(content, ".xlsm", "a.xlsm")
        assert ("密" in parsed.text) is include_hidden and bool(parsed.notes) is not include_hidden
        assert readers.read(b"a,b\n1,2\n", ".csv", "a.csv").text == "- a: 1; b: 2"


@pytest.mark.parametrize(("kind", "changes"), [(".XLSX", True), (".xlsm", True), (".docx", True), (".md", False)])
def test_files_that_can_hide_something_are_read_again(kind: str, changes: bool) -> None:
    assert (reader_mark(kind) != reader_mark(kind, include_hidden=True)) is changes


def test_the_setting_reaches_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(xlsx([("甲", "乙")]))
    prints = set()
    for include_hidden in (False, True):
        reading = ReadingSettings(include_hidden=include_hidden)
        chosen = select(RagSettings(knowledge=[tmp_path], reading=reading), None, prune=False)
        prints.update(item.fingerprint() for item in chosen.items)
    assert len(prints) == 2
