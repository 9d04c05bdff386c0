"""What is visible is read once and in its order, what is hidden is not: slides, web pages, OpenDocument files, RTF."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingestion.readers.worker import parse
from tests.support.office_xml import shape, slides_file
from tests.support.open_documents import HIDDEN_TEXT, cell, frame, open_document, p, row, rtf, style, table

pytest.importorskip("lxml")
pytest.importorskip("bs4")
FEW, MANY = 40, 1500
ODT = {
    True: ("{}", "<text:span>{}</text:span>", '<text:span text:style-name="S">{}</text:span>', "<text:a>{}</text:a>"),
    False: (
        '<text:span text:style-name="H">{}</text:span>',
        "<office:annotation><text:p>{}</text:p></office:annotation>",
        '<text:span text:style-name="H"><text:span text:style-name="S">{}</text:span></text:span>',
        "<text:hidden-text>{}</text:hidden-text>",
        "<text:ruby-text>{}</text:ruby-text>",
    ),
}
RTF = {
    True: ("{}", r"{{\b {}}}", r"{{\v\v0 {}}}", r"{{\field{{\fldrslt {}}}}}"),
    False: (r"{{\v {}}}", r"{{\deleted {}}}", r"{{\*\other {}}}", r"{{\v {{\b {}}}}}", r"{{\fldinst {}}}"),
}
HTML = {
    True: ("<p>{}</p>", "<form><p>{}</p></form>", "<div><span>{}</span></div>", "<details><p>{}</p></details>"),
    False: (
        "<div style='display: none'>{}</div>",
        "<p hidden>{}</p>",
        "<script>{}</script>",
        "<div aria-hidden=true><p>{}</p></div>",
        "<template>{}</template>",
        "<p style='visibility:hidden'>{}</p>",
    ),
}
PIECES = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=8)


def filled(pieces: list[tuple[bool, int]], kinds: dict[bool, tuple[str, ...]]) -> tuple[str, list[str], list[str]]:
    """The pieces with a word each; which of these are seen, and which are not."""
    text, seen, hidden = "", [], []
    for number, (is_seen, at) in enumerate(pieces):
        word = f"词{number}。"
        text += kinds[is_seen][at % len(kinds[is_seen])].format(word)
        (seen if is_seen else hidden).append(word)
    return text, seen, hidden


def check_open_text(pieces: list[tuple[bool, int]]) -> None:
    text, seen, _ = filled(pieces, ODT)
    automatic = style("H", "text", HIDDEN_TEXT) + style("S", "text", "<style:text-properties/>")
    assert parse(".odt", open_document("text", p(text), automatic=automatic)).text == "".join(seen)


def check_rich_text(pieces: list[tuple[bool, int]]) -> None:
    text, seen, _ = filled(pieces, RTF)
    assert parse(".rtf", rtf(text)).text == "".join(seen)


def check_page(pieces: list[tuple[bool, int]]) -> None:
    text, seen, _ = filled([(True, 0), *pieces], HTML)
    read = parse(".html", f"<!doctype html><meta charset=utf-8><body>{text}".encode()).text
    assert read.split() == seen


def check_slide(places: list[tuple[int, int, bool]]) -> None:
    """Shapes at different heights, in any order in the file, some hidden, some in a group."""
    names, xml, seen = count(), "", []
    for top, left, is_hidden in places:
        word = f"词{next(names)}。"
        each = shape(word, top=top * 1000, left=left)
        xml += each.replace('id="1" name=""', 'id="1" name="" hidden="1"') if is_hidden else each
        seen += [] if is_hidden else [(top, word)]
    read = parse(".pptx", slides_file(xml)).text.split()
    assert read[2:] == [word for _, word in sorted(seen)]


@st.composite
def sheets(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    """A sheet with hidden rows and columns; what each visible row shows."""
    width, height = draw(st.integers(2, 5)), draw(st.integers(2, 6))
    columns = [draw(st.booleans()) if at else False for at in range(width)]
    if all(columns[1:]):
        columns[1] = False
    xml = "".join(f"<table:table-column {HIDDEN * is_hidden}/>" for is_hidden in columns)
    xml += row(*(f"名{at}" for at in range(width)))
    seen = []
    for number in range(height):
        is_hidden = number > 0 and draw(st.booleans())
        xml += row(*(cell(f"值{number}x{at}") for at in range(width)), more=HIDDEN * is_hidden)
        if not is_hidden:
            seen.append([f"名{at}：值{number}x{at}" for at in range(width) if not columns[at]])
    return open_document("spreadsheet", table(xml)), seen


HIDDEN = 'table:visibility="collapse" '


def check_sheet(made: tuple[bytes, list[list[str]]]) -> None:
    content, seen = made
    lines = parse(".ods", content).text.strip().split("\n")[2:]
    assert [line.removeprefix("- ").split("；") for line in lines] == seen


def check_open_slide(heights: list[int]) -> None:
    shapes = "".join(frame(f"词{height}。", top=height * 2) for height in heights)
    read = parse(".odp", open_document("presentation", f"<draw:page>{shapes}</draw:page>")).text.split()
    assert read[2:] == [f"词{height}。" for height in sorted(heights)]


PLACES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 9), st.booleans()), max_size=7, unique_by=lambda at: at[0]
)
HEIGHTS = st.lists(st.integers(0, 20), max_size=6, unique=True)
CHECKS = [
    (check_open_text, PIECES), (check_rich_text, PIECES), (check_page, PIECES), (check_slide, PLACES),
    (check_sheet, sheets()), (check_open_slide, HEIGHTS),
]  # fmt: skip
NAMES = [check.__name__.removeprefix("check_") for check, _ in CHECKS]


@pytest.mark.parametrize(("check", "made"), CHECKS, ids=NAMES)
def test_what_is_visible_is_read_and_what_is_hidden_is_not(check, made) -> None:  # type: ignore[no-untyped-def]
    settings(max_examples=FEW, deadline=None)(given(made)(check))()


@pytest.mark.long
@pytest.mark.parametrize(("check", "made"), CHECKS, ids=NAMES)
def test_what_is_visible_is_read_in_many_files(check, made) -> None:  # type: ignore[no-untyped-def]
    settings(max_examples=MANY, deadline=None)(given(made)(check))()
