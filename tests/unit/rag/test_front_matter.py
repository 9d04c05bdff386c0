"""Front matter knows texts and flat lists; whatever else stands there costs itself and not the file."""

import pytest

from rag.errors import Unreadable
from rag.ingestion.readers.front_matter import MOST_CHARS, split_front_matter
from rag.ingestion.readers.text import read_markdown

# 597 bytes that took 6 GB once: each level merges ten of the level before.
BOMB = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)}\n  <<: [{', '.join([f'*{chr(97 + level)}'] * 7)}]\n" for level in range(11)
)


def of(front: str) -> dict[str, object]:
    matter = split_front_matter(f"---\n{front}\n---\nbody\n")
    assert matter.body == "body\n"
    return dict(matter.fields)


@pytest.mark.parametrize(
    ("front", "fields"),
    [
        ("title: 报销 # a comment", {"title": "报销"}),
        ("title: 'C#: it''s'\nurl: \"https://a.example/x\\u00e9\"", {"title": "C#: it's", "url": "https://a.example/xé"}),
        ("title: >-\n  two\n  lines", {"title": "two lines"}),
        ("title: ~\nlink:\nurl: 'null'", {"title": "", "link": "", "url": "null"}),
        ("tags: [a, b]\nmore:\n  - c\n  - d", {"tags": ["a", "b"], "more": ["c", "d"]}),
        ("date: 2023-02-30\nat: 2023-02-01", {"date": "2023-02-30", "at": "2023-02-01"}),
        ("number: 010\nyes: on\ninf: .inf", {"number": "010", "yes": "on", "inf": ".inf"}),
        ("number: " + "9" * 6_000, {"number": "9" * 6_000}),
        ("a: &x [1]\nb: *x\nc: &y text\ntitle: t", {"a": None, "b": None, "c": None, "title": "t"}),
        ("<<: {title: x}\ntitle: y", {"<<": None, "title": "y"}),
        ("title: !!python/object/apply:os.getcwd []\nlink: !!str x", {"title": None, "link": None}),
        ("m:\n  k: {z: [1, [2]]}\nl: [[a], b]\ntitle: t", {"m": None, "l": None, "title": "t"}),
        ("? [a, b]\n: x\ntitle: t", {"title": "t"}),
    ],
)  # fmt: skip
def test_texts_and_flat_lists_are_known_and_nothing_else(front: str, fields: dict[str, object]) -> None:
    assert of(front) == fields


def test_a_merge_bomb_is_never_expanded() -> None:
    assert len(BOMB) < 600
    assert of(BOMB + "title: t") == {**dict.fromkeys("abcdefghijkl"), "title": "t"}


@pytest.mark.parametrize("front", ["a: " + "[" * 8_000, "a: " + "{a: " * 4_000, "a: " + "[[]," * 4_000])
def test_deep_nesting_costs_the_front_matter_and_not_the_file(front: str) -> None:
    parsed = read_markdown(f"---\n{front}\n---\n# 年假\n\n五天\n".encode())
    assert (parsed.title, parsed.text) == ("年假", "# 年假\n\n五天\n")
    assert "brackets" in parsed.notes[0]


@pytest.mark.parametrize(
    "front",
    [
        *(": : [", "just words", "- a\n- b", "*a", "&a", "title: a: b", "\ttitle: x"),
        'title: "\\U00110000"',
        "a: " + "- " * 8_000,
    ],
)
def test_what_is_no_mapping_stays_text(front: str) -> None:
    text = f"---\n{front}\n---\nbody\n"
    assert split_front_matter(text).body == text


@pytest.mark.parametrize("size", [4 * MOST_CHARS, 4 << 20], ids=["long", "4 MB"])
def test_long_front_matter_is_text_and_that_is_said(size: int) -> None:
    line = "# " + "x" * 1_000 + "\n"
    text = "---\ntitle: t\n" + line * (size // len(line) + 1) + "---\nbody\n"
    parsed = read_markdown(text.encode())
    assert parsed.text == text and "16384" in parsed.notes[0]


def test_a_title_that_is_no_text_is_said() -> None:
    parsed = read_markdown(b"---\ntitle: {a: b}\nlink: [https://a.example]\n---\n# real\n")
    assert (parsed.title, parsed.link, parsed.notes) == ("real", "", ("title in its front matter is no text",))


def test_front_matter_alone_is_no_document() -> None:
    assert read_markdown(b"---\ntitle: t\n---\n").text == ""
    with pytest.raises(Unreadable, match="not a text file"):
        read_markdown(b"---\ntitle: \x00\n---\n")
