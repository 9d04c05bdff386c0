"""A month of questions in a store: answered, refused, failed, voted on; the same ones every time."""

import random

import orjson
from sqlalchemy import Connection, insert

from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.storage.database import Database
from bot.storage.tables import answers, turns, votes

ANSWERED = ("出差回来多久内要报销？", "年假有几天？", "VPN 连不上怎么办？", "How do I reset my password?")
MISSING = ("食堂周末开门吗？", "周末食堂开不开门", "公司班车几点发车？", "班车几点发车", "宠物可以带到公司吗？")
REASONS = ("outdated", "incomplete", "wrong_source", "")
DOCUMENTS = (("差旅报销制度", "finance/travel.md"), ("考勤与休假", "hr/leave.md"), ("VPN 使用指南", "it/vpn.md"))


def seed(database: Database, now: float, *, days: int = 30, per_day: int = 8) -> int:
    """Fills the store synchronously, before a loop runs; gives how many turns."""
    chance = random.Random(7)
    rows = [_one(chance, now - (number / per_day) * 86_400, number) for number in range(days * per_day)]

    def work(connection: Connection) -> None:
        connection.execute(insert(turns), [turn for turn, _, _ in rows])
        connection.execute(insert(answers), [answer for _, answer, _ in rows])
        connection.execute(insert(votes), [vote for _, _, vote in rows if vote])

    with database._engine.begin() as connection:
        work(connection)
    return len(rows)


def _one(
    chance: random.Random, at: float, number: int
) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    kind = chance.choices(("answered", "hedged", "no_evidence", "failed", "stopped"), (60, 10, 20, 5, 5))[0]
    is_written = kind in ("answered", "hedged")
    question = chance.choice(MISSING if kind == "no_evidence" else ANSWERED)
    asker = f"ou_{chance.randrange(12)}"
    turn = {
        "id": f"t{number}",
        "app_id": "cli",
        "conversation": f"oc_{asker}",
        "chat_id": f"oc_{asker}",
        "chat_type": chance.choice(("p2p", "group", "web")),
        "question_message_id": f"om_{number}",
        "asker": asker,
        "question": question,
        "created_at": at,
    }
    title, source = chance.choice(DOCUMENTS)
    cited = {"number": 1, "title": title, "heading_path": "", "snippet": "…", "source": source, "link": None}
    first = chance.uniform(0.2, 2.5) if kind != "failed" else None
    answer = {
        "id": f"a{number}",
        "turn_id": turn["id"],
        "version": 1,
        "job_id": number + 1,
        "outcome": kind,
        "text": {"answered": "请在 10 个工作日内提交 [1]。", "hedged": "大概 10 天。"}.get(kind, ""),
        "sources": orjson.dumps([{**cited, "cited": kind == "answered"}]).decode(),
        "model": "qwen-plus" if is_written else "",
        "confidence": round(chance.random(), 3) if is_written else None,
        "level": chance.choice(("high", "medium", "low")) if is_written else "",
        "ending": chance.choice(("length", "broken")) if is_written and chance.random() < 0.1 else "",
        "first_token_s": first,
        "seconds": (first or 0.1) + chance.uniform(0.5, 6),
        "created_at": at,
    }
    vote: dict[str, object] = {}
    if kind == "answered" and chance.random() < 0.4:
        is_up = chance.random() < 0.7
        vote = {
            "answer_id": answer["id"],
            "voter": asker,
            "vote": "up" if is_up else "down",
            "reason": "" if is_up else chance.choice(REASONS),
            "at": at + 60,
        }
        vote["comment"] = ""
    return turn, answer, vote


async def reply(database: Database, turn_id: str, question: str, text: str, by: str) -> None:
    """An owner was asked a turn's question in a chat, and answered."""
    gaps = OwnerQuestions(database)
    await gaps.asked(OwnerQuestion(turn_id, "cli", "oc_group", question, "ou_1", (by,), f"om_to_{by}"))
    await gaps.replied(turn_id, by, text)
