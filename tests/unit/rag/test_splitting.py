"""Documents to chunks: headings, tables, fences, sizes, ids."""

import itertools

from langchain_text_splitters import MarkdownHeaderTextSplitter

from rag.documents import MAX_PREFIX_CHARS, Document
from rag.ingestion.readers.text import first_heading
from rag.text.chunking import MAX_WIDTH, split, width
from rag.text.markdown import MOST_HEADING_CHARS, blocks, heading_of, sections

SENTENCE = "员工出差结束后应当在十五个工作日之内向财务部门提交完整的报销单据。"


def document(text: str, title: str = "手册") -> Document:
    return Document("a.md", title, text)


def test_chunks_carry_their_heading_path_and_exact_place() -> None:
    text = "# 手册\n\n## 报销\n\n15 天内。\n\n### 例外\n\n特批。\n"
    chunks = split(document(text))
    assert [(chunk.heading_path, chunk.text) for chunk in chunks] == [
        ("手册 > 报销", "15 天内。"),
        ("手册 > 报销 > 例外", "特批。"),
    ]
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


def test_headings_agree_with_langchain_on_plain_documents() -> None:
    text = "intro\n# A\na1\n## B\nb1\n```\n# no heading\n```\n# C\n## D\nd1\n#nothing\n"
    levels = [("#" * level, str(level)) for level in range(1, 7)]
    theirs = MarkdownHeaderTextSplitter(levels, strip_headers=True).split_text(text)
    ours = sections(text)
    assert [section.headings for section in ours] == [tuple(part.metadata.values()) for part in theirs]


def test_a_heading_with_nothing_under_it_is_kept() -> None:
    chunks = split(document("# 手册\n## 客服电话 400-123\n## 地址\n人民路\n"))
    assert [chunk.text for chunk in chunks] == ["## 客服电话 400-123", "人民路"]


def test_long_prose_is_cut_at_sentence_ends_with_overlap() -> None:
    text = SENTENCE * 60
    chunks = split(document(text))
    assert len(chunks) > 3
    assert all(chunk.text.endswith("。") and chunk.text.startswith("员工") for chunk in chunks)
    assert all(width(chunk.text) <= MAX_WIDTH for chunk in chunks)
    assert all(later.start < earlier.end for earlier, later in itertools.pairwise(chunks))


def test_a_table_that_fits_stays_whole() -> None:
    table = "| 城市 | 上限 |\n| --- | --- |\n" + "| 北京 | 600 元 |\n" * 12
    chunks = split(document(SENTENCE * 11 + "\n\n" + table + "\n" + SENTENCE * 4))
    assert sum(table.strip() in chunk.text for chunk in chunks) == 1


def test_a_long_table_is_cut_between_rows() -> None:
    text = "".join(f"| 城市{number} | {number} 元，含早餐与往返交通 |\n" for number in range(200))
    chunks = split(document(text))
    assert len(chunks) > 3
    assert all(line.startswith("|") and line.endswith("|") for chunk in chunks for line in chunk.text.split("\n"))


def test_a_code_fence_keeps_its_indentation_and_stays_whole() -> None:
    fence = "```yaml\nserver:\n  port: 80\n\n  hosts:\n    - a\n# not a heading\n```\n"
    chunks = split(document(SENTENCE * 12 + "\n" + fence + SENTENCE))
    assert sum(fence.strip() in chunk.text for chunk in chunks) == 1
    assert [block.kind for block in blocks(fence, 0, len(fence))] == ["fence"]


def test_chunks_fit_the_models_window_with_their_prefix() -> None:
    title = "很长的标题" * 30
    chunks = split(document(SENTENCE * 60, title))
    assert all(len(chunk.embedded_text) <= MAX_WIDTH + MAX_PREFIX_CHARS + 1 <= 512 for chunk in chunks)


def test_a_model_that_counts_more_tokens_gets_smaller_chunks() -> None:
    text = SENTENCE * 30
    chunks = split(document(text), count_tokens=lambda text: 3 * len(text), max_tokens=510)
    assert all(3 * len(chunk.embedded_text) <= 510 for chunk in chunks)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


def test_ids_are_stable_positive_and_differ_for_repeats() -> None:
    text = "# A\nsame\n# A\nsame\n# B\nsame\n"
    first, again = split(document(text)), split(document("preamble\n" + text))
    ids = [chunk.id for chunk in first]
    assert len(set(ids)) == 3
    assert all(0 <= chunk_id < 2**63 for chunk_id in ids)
    assert ids == [chunk.id for chunk in again[1:]]


def test_hashes_that_belong_to_a_heading_stay() -> None:
    expected = {
        "# C#": (1, "C#"),
        "## C# ##": (2, "C#"),
        "# #": (1, ""),
        "#": (1, ""),
        "#tag": None,
        "   ### a #b # ": (3, "a #b"),
        "    # code": None,
    }
    assert {line: heading_of(line) for line in expected} == expected


def test_a_heading_of_spaces_and_hashes_takes_no_time_that_grows_with_a_power_of_it() -> None:
    for filling in (" ", " #", "\t"):
        line = "# a" + filling * 300_000 + "b"  # took hours, and held every other thread up
        assert first_heading(f"{line}\n\ntext")[-1] == "b"
        assert sections(f"{line}\n\ntext")[0].headings[0].startswith("a")


def test_a_heading_as_long_as_a_book_is_not_repeated_with_every_chunk() -> None:
    chunks = split(document("# " + "长" * 200_000 + "\n\n" + SENTENCE * 1_000))
    assert len(chunks) > 50
    assert all(len(name) <= MOST_HEADING_CHARS for chunk in chunks for name in chunk.headings)
