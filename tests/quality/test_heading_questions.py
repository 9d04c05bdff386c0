"""What the bot suggests it can answer: the questions made of the handbook's headings find their own sections."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.intake.suggestions import LONGEST_CHARS, question_about
from rag.generation.follow_ups import leans
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from rag.settings import EmbeddingSettings, RagSettings

KNOWLEDGE = Path(__file__).parents[2] / "knowledge"
FIRST = 5


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[KnowledgeBase]:
    settings = RagSettings(knowledge=[KNOWLEDGE], index_dir=tmp_path, embedding=EmbeddingSettings(provider="none"))
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    yield library
    await library.aclose()


async def test_they_find_their_sections_and_read_as_questions(library: KnowledgeBase) -> None:
    headings, missed, refused = 0, [], []
    asked: dict[str, str] = {}
    for title in await library.titles(EVERYTHING):
        for path in title.headings:
            headings += 1
            names = path.split(" › ")
            if not (question := question_about(title.title, names)):
                continue
            asked[question] = path
            found = await library.search(question, EVERYTHING)
            own = (each.chunk.title == title.title and each.chunk.headings[-1] == names[-1] for each in found.passages)
            missed += [] if any(list(own)[:FIRST]) else [question]
            refused += [] if found.is_evidence else [question]
    print(*(f"{question}  <= {path}" for question, path in asked.items()), missed, refused, sep="\n")  # noqa: T201
    assert len(asked) / headings >= 0.9, "nearly every section is worth a question"
    assert len(missed) / len(asked) <= 0.05 and len(refused) / len(asked) <= 0.05
    assert [question for question in asked if leans(question)] == [], "each stands alone"
    assert [question for question in asked if len(question) > LONGEST_CHARS or "是怎么说的" in question] == []
