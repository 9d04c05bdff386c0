"""Documents come in order, each collection from a process of its own, and breaking off waits for nobody."""

import os
import threading
from dataclasses import dataclass, field

import pytest

from rag.documents import Document
from rag.errors import ReadersUnavailable, Unreadable
from rag.ingestion.read_ahead import AHEAD, read_ahead
from rag.ingestion.readers import Readers
from rag.settings import ReadingSettings


@dataclass
class Item:
    """Read in the process that misbehaves; `begun` is set before."""

    source: str
    kind: str = ".tells"
    collection: str = "default"
    begun: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> tuple[str, str]:
        return self.collection, self.source

    def fingerprint(self) -> str:
        return ""

    def load(self, readers: Readers) -> Document:
        self.begun.set()
        return Document(self.source, self.source, readers.read(b"", self.kind, self.source).text)


@pytest.fixture(autouse=True)
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.WORKER", "tests.support.misbehaving_reader")


def pid(document: Document | Unreadable) -> int:
    assert isinstance(document, Document)
    return int(document.text)


def test_documents_come_in_order_and_collections_share_no_process() -> None:
    names = ["a", "b", "c", "d"]
    items = [Item(f"{name}{number}", ".pid", name) for name in names for number in range(3)]
    read = list(read_ahead([(item, item.source) for item in items], ReadingSettings()))
    assert [(item, mark) for item, mark, _ in read] == [(item, item.source) for item in items]
    used = {name: {pid(document) for item, _, document in read if item.key[0] == name} for name in names}
    assert all(len(pids) == 1 for pids in used.values()) and len(set.union(*used.values())) == len(names)


def test_a_file_that_cannot_be_read_is_among_them() -> None:
    items = [Item("a", ".pid"), Item("b", ".dies"), Item("c", ".pid")]
    found = [document for _, _, document in read_ahead([(item, "") for item in items], ReadingSettings())]
    assert isinstance(found[1], Unreadable) and found[1].source == "b"
    assert pid(found[0]) != pid(found[2])


@pytest.mark.parametrize("kind", [".hangs", ".dies"])
def test_breaking_off_ends_what_is_being_read(kind: str) -> None:
    items = [Item("a", ".pid"), Item("b", kind), *(Item(str(number), ".hangs") for number in range(AHEAD))]
    documents = read_ahead([(item, "") for item in items], ReadingSettings(timeout_s=3600))
    process = pid(next(documents)[2])
    assert items[1].begun.wait(60)
    documents.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rag-read")]


def test_without_a_process_the_ingest_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.readers.WORKER", "rag.ingestion.readers.there_is_no_such_module")
    with pytest.raises(ReadersUnavailable, match="doctor"):
        list(read_ahead([(Item("a"), "")], ReadingSettings()))
