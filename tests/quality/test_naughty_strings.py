"""The big list of naughty strings as file names, titles, bodies and questions: stored, found, and nothing breaks."""

import json
import os
from pathlib import Path

import pytest

from rag.index.index import Index
from rag.ingestion.pipeline import ingest
from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.sources import RemoteDocument
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data"
FILE = SHARED / "naughty-strings" / "blns.json"


@pytest.fixture(scope="module")
def strings() -> list[str]:
    if not FILE.is_file():
        pytest.skip("shared/data/naughty-strings is not beside the repository (set SHARED_DIR)")
    found: list[str] = json.loads(FILE.read_text("utf-8"))
    assert len(found) == 515
    return found


async def test_names_titles_bodies_and_questions(strings: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    named = 0
    for number, text in enumerate(strings):
        name = "".join(character for character in text if character not in "/\x00").encode("utf-8", "replace")[:150]
        name_text = f"{number} {name.decode('utf-8', 'ignore')}.md"
        (folder / name_text).write_text(f"# {text}\n\n{text}\n\n第 {number} 条。\n", encoding="utf-8", errors="replace")
        named += 1
    titled = [
        RemoteDocument(f"remote:{at}", text, text, "1", lambda _, at=at: Parsed(f"正文 {at}。"))
        for at, text in enumerate(strings)
    ]
    settings = RagSettings(
        knowledge=[folder], index_dir=tmp_path / "index", embedding=EmbeddingSettings(provider="none")
    )
    report = ingest(settings, remote=titled)
    assert (report.documents, report.skipped) == (2 * len(strings), ())
    assert ingest(settings, remote=titled).unchanged == 2 * len(strings)
    assert len({chunk.source for chunk in Index.open(settings.index_dir).chunks.all()}) == named + len(strings)
    library = await KnowledgeBase.open(settings)
    for text in strings:
        finding = await library.search(text, EVERYTHING)
        assert 0 <= finding.confidence <= 1 and all(passage.why for passage in finding.passages)
    await library.aclose()
