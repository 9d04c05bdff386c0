"""Whatever is mixed in a Word file: what is visible is found once and in order, what is deleted or hidden is not."""

import contextlib
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingestion.readers.parsed import CannotRead
from rag.ingestion.readers.word import read_docx
from tests.support.office_xml import cell, level, numbered, paragraph, row, run, table, word_file

pytest.importorskip("lxml")
NUMBERING = (
    f'<w:abstractNum w:abstractNumId="1">{level(0, "decimal", "%1.")}{level(1, "decimal", "%1.%2.")}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
)
SHOWN = {
    "plain": run("{}"),
    "inserted": f"<w:ins>{run('{}')}</w:ins>",
    "moved here": f"<w:moveTo>{run('{}')}</w:moveTo>",
    "control": f"<w:sdt><w:sdtContent>{run('{}')}</w:sdtContent></w:sdt>",
    "link": f"<w:hyperlink>{run('{}')}</w:hyperlink>",
    "shown again": run("{}", '<w:vanish w:val="0"/>'),
}
NOT_SHOWN = {
    "deleted": "<w:del><w:r><w:delText>{}</w:delText></w:r></w:del>",
    "moved away": f"<w:moveFrom>{run('{}')}</w:moveFrom>",
    "hidden": run("{}", "<w:vanish/>"),
    "code": '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>{}</w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
    "inserted and deleted": "<w:ins><w:del><w:r><w:delText>{}</w:delText></w:r></w:del></w:ins>",
}
PIECES = st.lists(st.sampled_from([*SHOWN, *NOT_SHOWN]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PIECES, st.booleans()), max_size=6))
def test_what_is_visible_is_read_once_and_in_order(paragraphs: list[tuple[list[str], bool]]) -> None:
    """Each piece has a word of its own; a paragraph whose end is deleted goes on in the next one."""
    names, body, expected = count(), "", [""]
    for pieces, is_joined in paragraphs:
        runs = []
        for piece in pieces:
            word = f"词{next(names)}。"
            runs.append({**SHOWN, **NOT_SHOWN}[piece].format(word))
            expected[-1] += word if piece in SHOWN else ""
        body += paragraph(*runs, properties="<w:rPr><w:del/></w:rPr>" if is_joined else "")
        if not is_joined:
            expected.append("")
    assert read_docx(word_file(body)).text == "\n\n".join(filter(None, expected))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=4), min_size=1, max_size=6))
def test_every_row_of_a_merged_table_can_stand_alone(widths: list[list[tuple[int, bool]]]) -> None:
    """Cells of random widths, each perhaps going on from the one above: every column holds its cell's word. A first
    row and a first column of plain cells keep the widths out of the header."""
    columns = max(sum(width for width, _ in cells) for cells in widths) + 1
    rows, expected, above, names = [row(*(f"列{at}" for at in range(columns)))], [], {}, count()
    for cells in widths:
        first = f"行{next(names)}。"
        xml, texts, here, column = cell(first), [first], {}, 1
        for width, goes_on in [*cells, *[(1, False)] * (columns - 1 - sum(width for width, _ in cells))]:
            is_below = goes_on and column in above
            word = above[column] if is_below else f"格{next(names)}。"
            merge = "<w:vMerge/>" if is_below else '<w:vMerge w:val="restart"/>'
            xml += cell("" if is_below else word, properties=f'<w:gridSpan w:val="{width}"/>{merge}')
            texts += [word] * width
            here[column] = word
            column += width
        rows.append(f"<w:tr>{xml}</w:tr>")
        expected.append(f"| {' | '.join(texts)} |")
        above = here
    assert read_docx(word_file(table(*rows))).text.splitlines()[2:] == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=12))
def test_numbers_count_what_is_shown(levels: list[tuple[int, bool]]) -> None:
    """Paragraphs of two levels between others that are deleted with their ends."""
    body, expected, outer, inner = "", [], 0, 0
    gone = '<w:numPr><w:numId w:val="1"/></w:numPr><w:rPr><w:del/></w:rPr>'
    for at, is_deleted in levels:
        if is_deleted:
            body += paragraph(NOT_SHOWN["deleted"].format("旧"), properties=gone)
            continue
        outer, inner = (outer or 1, inner + 1) if at else (outer + 1, 0)
        body += numbered("文", at=at)
        expected.append(f"{outer}.{inner}. 文" if at else f"{outer}. 文")
    text = read_docx(word_file(body, numbering=NUMBERING)).text
    assert [line for line in text.splitlines() if line] == expected


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3000))
def test_damaged_files_are_refused_or_read(noise: bytes, at: int) -> None:
    """Nothing but CannotRead comes out of a file with noise in it."""
    content = word_file(paragraph("文") + table(row("甲", "乙")), numbering=NUMBERING)
    with contextlib.suppress(CannotRead):
        read_docx(content[:at] + noise + content[at + len(noise) :])
