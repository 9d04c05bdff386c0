"""How documents are counted: once a question, by its newest version, with the votes on whatever version cites them."""

import orjson

from bot.access.rules import FILES
from bot.repositories.figures import AskedQuestion, GivenAnswer, disliked, documents


def version(
    number: int, cited: list[tuple[str, str]], up: int = 0, down: int = 0, *, older: bool = False
) -> GivenAnswer:
    sources = [{"source": source, "title": source.upper(), "cited": True} for _, source in cited]
    if not older:
        sources = [{**each, "collection": collection} for each, (collection, _) in zip(sources, cited, strict=True)]
    listed = {"source": "near.md", "title": "NEAR", "collection": "hr", "cited": False}
    text = orjson.dumps([*sources, listed]).decode()
    return GivenAnswer(
        "t", f"a{number}", number, "answered", 0.0, 1.0, 2.0, "m", text, "[]", 0.5, "high", "", up, ("",) * down
    )


def asked(*versions: GivenAnswer) -> AskedQuestion:
    return AskedQuestion("t", "?", "ou_a", "group", 0.0, versions)


def test_documents_are_counted_once_a_question_and_files_of_chats_never() -> None:
    rows = documents(
        [
            asked(version(1, [("hr", "a.md"), ("hr", "a.md"), (FILES, "mine.pdf")], up=1)),
            asked(version(1, [("hr", "a.md")], down=2), version(2, [("hr", "b.md")])),
            asked(version(1, [("", "a.md")], older=True)),
        ]
    )
    counted = {(row["collection"], row["source"]): (row["cited"], row["up"], row["down"]) for row in rows}
    assert counted == {("hr", "a.md"): (1, 1, 2), ("hr", "b.md"): (1, 0, 0), ("default", "a.md"): (1, 0, 0)}
    assert [row["source"] for row in disliked(rows)] == ["a.md"]
    assert rows[0]["title"] == "A.MD"
