"""A document's blocks as Markdown: every word once, in order, what is embedded at its place."""

from typing import Any

from feishu.documents.block_writer import BlockWriter
from feishu.documents.parts import Attached, Embedded, Pieces, Text

NAMES = {
    2: "text",
    12: "bullet",
    13: "ordered",
    14: "code",
    15: "quote",
    17: "todo",
    19: "callout",
    34: "quote_container",
}


def run(text: str, **style: Any) -> dict[str, Any]:
    return {"text_run": {"content": text, "text_element_style": style}}


def block(
    key: str, kind: int, *elements: dict[str, Any], children: tuple[str, ...] = (), **body: Any
) -> dict[str, Any]:
    name = body.pop("name", NAMES.get(kind) or (f"heading{kind - 2}" if 3 <= kind <= 11 else "page"))
    content = body or {"elements": list(elements), "style": {}}
    return {"block_id": key, "block_type": kind, name: content, "children": list(children)}


def written(*blocks: dict[str, Any], people: dict[str, str] | None = None, **others: Any) -> Pieces:
    page = block("page", 1, run("标题"), children=tuple(each["block_id"] for each in blocks if "parent_id" not in each))
    by_id = {each["block_id"]: {"parent_id": "page", **each} for each in blocks}
    return BlockWriter({"page": page, **by_id}, {"doc": {"page": page, **by_id}, **others}, people or {}).content()


def text_of(found: Pieces) -> str:
    return "".join(part.text for part in found.parts if isinstance(part, Text))


def test_texts_lists_and_marks() -> None:
    found = written(
        block("h", 4, run("一、"), run("时限", bold=True)),
        block(
            "a",
            2,
            run("见 "),
            run("官网", link={"url": "https%3A%2F%2Fx.cn%2Fa"}),
            {"mention_user": {"user_id": "ou_1"}},
        ),
        block("b", 12, run("甲"), children=("c",)),
        block("c", 12, run("乙")) | {"parent_id": "b"},
        block("d", 13, run("第一")),
        block("e", 13, run("第二")),
        block("f", 2, run("中间")),
        block("g", 13, elements=[run("再来")], style={"sequence": "5"}, name="ordered"),
        block("i", 17, elements=[run("做完了")], style={"done": True}, name="todo"),
        block("j", 14, run("# 不是标题\nx = 1")),
        block("k", 2, run("# 也不是标题")),
        block("l", 15, run("引用")),
        block(
            "m", 2, {"equation": {"content": "x^2\n"}}, {"mention_doc": {"title": "制度", "url": "https%3A%2F%2Fy.cn"}}
        ),
        people={"ou_1": "周明"},
    )
    assert text_of(found).split("\n\n")[:-1] == [
        "## 一、时限", "见 [官网](https://x.cn/a)@周明", "- 甲", "    - 乙", "1. 第一", "2. 第二", "中间", "5. 再来",
        "- [x] 做完了", "```\n# 不是标题\nx = 1\n```", "\\# 也不是标题", "> 引用", "$x^2$[制度](https://y.cn)",
    ]  # fmt: skip
    assert [part.anchor and (part.anchor.name, part.anchor.id) for part in found.parts] == [("一、时限", "h")]


def test_tables_fill_their_merged_cells_and_keep_what_is_embedded() -> None:
    cells = [block(f"c{at}", 32, name="table_cell", children=(f"t{at}",)) | {"parent_id": "t"} for at in range(4)]
    texts = [block(f"t{at}", 2, run(word)) | {"parent_id": f"c{at}"} for at, word in enumerate("甲乙|丁")]
    texts[1] = block("t1", 27, name="image", token="img1") | {"parent_id": "c1"}
    merges = [{"row_span": 2, "col_span": 1}, *[{"row_span": 1, "col_span": 1}] * 3]
    table = block(
        "t", 31, name="table", cells=["c0", "c1", "c2", "c3"], property={"column_size": 2, "merge_info": merges}
    )
    found = written(table, *cells, *texts)
    assert text_of(found) == "| 甲 |  |\n| --- | --- |\n| 甲 | 丁 |\n\n"
    assert [part.token for part in found.parts if isinstance(part, Attached)] == ["img1"]


def test_what_is_embedded_stands_at_its_place_and_files_come_last() -> None:
    found = written(
        block("a", 2, run("前")),
        block("p", 27, name="image", token="img", width=300, height=200, caption={"content": "流程图"}),
        block("o", 27, name="image", token="dot", width=10, height=10),
        block("s", 30, name="sheet", token="shtA_b1"),
        block("v", 33, name="view", children=("f",)),
        block("f", 23, name="file", token="box", name_="x")
        | {"parent_id": "v", "file": {"token": "box", "name": "a.pdf"}},
        block("w", 43, name="board", token="w"),
        block("w2", 43, name="board", token="w"),
        block("z", 2, run("后")),
    )
    kinds = [part.text.strip() if isinstance(part, Text) else type(part).__name__ for part in found.parts]
    assert kinds == ["前\n\n流程图", "Attached", "Embedded", "📎 a.pdf\n\n后", "Attached"]
    sheet = next(part for part in found.parts if isinstance(part, Embedded))
    assert (sheet.token, sheet.part, sheet.anchor and sheet.anchor.id) == ("shtA", "b1", "s")
    assert found.notes == ("left out: ornament (1), whiteboard (2)",)


def test_synced_blocks_of_other_documents_are_read_where_they_are_open() -> None:
    source = {"s": block("s", 49, name="source_synced", children=("t",)), "t": block("t", 2, run("同步的话"))}
    reference = {"source_document_id": "other", "source_block_id": "s"}
    closed = {"source_document_id": "closed", "source_block_id": "s"}
    found = written(
        block("r", 50, name="reference_synced", **reference),
        block("r2", 50, name="reference_synced", **closed),
        other=source,
    )
    assert text_of(found) == "同步的话\n\n"
    assert found.notes == ("left out: synced block of a closed document (1)",)


def test_odd_blocks_lose_nothing_else() -> None:
    found = written(
        {"block_id": "x"},
        {"block_id": "y", "block_type": "3"},
        block("n", 3, name="heading1"),
        {"block_id": "q", "block_type": 2, "text": {"elements": [None, {}, {"text_run": None}, run("在")]}},
        block("loop", 12, run("环"), children=("loop",)),
        {"block_id": "t", "block_type": 31, "table": {"cells": ["no"], "property": {}}},
    )
    assert text_of(found) == "在\n\n- 环\n\n"
