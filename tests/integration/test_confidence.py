"""One confidence: what the search judged is what the API gives and what the card's footer shows, calibrated or not."""

from pathlib import Path

import httpx

from bot.cards.final_view import final
from bot.models import Answer, CardState, Turn
from bot.texts import EN, ZH
from rag.index.calibration import WORD_SIGNALS, Calibration, write_calibration
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING
from tests.integration.conftest import words
from tests.support.caller import caller
from tests.support.library_parts import rag_settings, write_knowledge
from tests.support.web_door import web_door

TAUGHT = Calibration((1.0, *[0.0] * (WORD_SIGNALS - 1)), -0.5, 0.55, 0.9, 0.75, 0.5, False, 20, 0.0)
QUESTION, UNKNOWN = "出差结束后多久内提交报销单？", "比特币今天的价格"


async def test_the_api_gives_the_confidence_of_the_search_before_and_after_a_calibration(tmp_path: Path) -> None:
    write_knowledge(tmp_path / "knowledge")
    settings = rag_settings(tmp_path)
    ingest(settings)
    library = await KnowledgeBase.open(settings)

    async def told(http: httpx.AsyncClient, question: str) -> tuple[float, float, float]:
        reply = (await http.post("/chat", json={"question": question})).json()
        stream = (await http.post("/chat/stream", json={"question": question})).text
        streamed = float(stream.rpartition('"confidence":')[2].partition("}")[0].partition(",")[0])
        return reply["confidence"], streamed, round((await library.search(question, EVERYTHING)).confidence, 3)

    async with web_door(library, tmp_path) as door, caller(door.url) as http:
        before = {question: await told(http, question) for question in (QUESTION, UNKNOWN)}
        write_calibration(settings.index_dir, TAUGHT)
        after = {question: await told(http, question) for question in (QUESTION, UNKNOWN)}
    for found in (*before.values(), *after.values()):
        assert len(set(found)) == 1
    assert before[QUESTION][0] > 0.9 > 0.65 > after[QUESTION][0] > 0.5 > after[UNKNOWN][0]
    await library.aclose()


def test_the_footer_shows_it_of_what_was_answered() -> None:
    turn = Turn("t", "a", "c", "oc_x", "group", "om_x", "ou_x", "？")

    def shown(outcome: str, confidence: float | None, wording: object = ZH) -> str:
        how = {"confidence": confidence, "seconds": 1.0, "is_calibrated": True}
        answer = Answer("a", "t", 1, outcome, "文", **how)  # type: ignore[arg-type]
        return words(final(CardState(turn, answer, ("a",)), wording).card)  # type: ignore[arg-type]

    assert "把握 87%" in shown("answered", 0.874) and "87% sure" in shown("answered", 0.874, EN)
    assert "把握" not in shown("answered", None) and "把握" not in shown("no_evidence", 0.1)
