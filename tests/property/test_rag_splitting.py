"""Chunks of any document: offsets exact, nothing lost, the model's window kept."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_text_splitters import RecursiveCharacterTextSplitter

from rag.documents import Document
from rag.text.chunking import MAX_WIDTH, SEPARATORS, cut_behind, split
from rag.text.markdown import blocks, sections
from rag.text.tokenizer import width

LINES = st.sampled_from(
    [
        "# 标题",
        "## Heading two ##",
        "###",
        "####### seven",
        "```",
        "~~~",
        "````",
        "| a | b |",
        "| --- | --- |",
        "    indented code",
        "- 列表项",
        "1. step",
        "",
        " ",
        "员工出差结束后十五个工作日内提交报销单。" * 9,
        "word " * 150,
        "x" * 700,
        "，" * 470,
        "同样的话。\n" * 60,
        "\u3000\u2028\x0b\x1c",
        "emoji 😀 e\u0301 \ud800",
    ]
)
TEXTS = st.one_of(st.lists(LINES, max_size=14).map("\n".join), st.text(max_size=300))


@given(TEXTS)
def test_offsets_are_exact_and_nothing_is_lost(text: str) -> None:
    chunks = split(Document("a.md", "手册", text))
    covered = [False] * len(text)
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip() == chunk.text != ""
        assert width(chunk.text) <= MAX_WIDTH
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    headings = {heading for chunk in chunks for heading in chunk.headings}
    for line in "".join(" " if seen else char for char, seen in zip(text, covered, strict=True)).split("\n"):
        lost = line.strip().strip("#").strip()
        assert not lost or lost in headings or lost.rstrip("# \t") in headings


@given(TEXTS)
def test_ids_differ_and_repeat_for_the_same_document(text: str) -> None:
    ids = [chunk.id for chunk in split(Document("a.md", "手册", text))]
    assert len(set(ids)) == len(ids)
    assert ids == [chunk.id for chunk in split(Document("a.md", "手册", text))]
    assert all(0 <= chunk_id < 2**63 for chunk_id in ids)


@given(
    st.one_of(TEXTS, st.text("ab 。！？；，\n", max_size=400)),
    st.sampled_from([SEPARATORS, ["\n", " ", ""]]),
    st.sampled_from([4, 30, 400, MAX_WIDTH]),
)
def test_texts_are_cut_as_langchain_cuts_them(text: str, separators: list[str], limit: int) -> None:
    """Another cut would be other chunk ids: every index that there is would be embedded anew."""
    theirs = RecursiveCharacterTextSplitter(
        chunk_size=limit,
        chunk_overlap=0,
        length_function=width,
        separators=separators,
        keep_separator="end",
        strip_whitespace=False,
    )
    assert list(cut_behind(separators, text, limit)) == theirs.split_text(text)
    assert "".join(cut_behind(separators, text, limit)) == text


@given(TEXTS)
def test_sections_rise_and_blocks_tile(text: str) -> None:
    end = 0
    for section in sections(text):
        assert end <= section.start < section.end
        end = section.end
        at = section.start
        for block in blocks(text, section.start, section.end):
            assert block.start == at < block.end
            at = block.end
        assert at == section.end
