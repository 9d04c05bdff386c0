"""Pictures and data inside of texts: out of the index, with their words kept and their number said."""

import base64
import os
import time

import pytest

from rag.ingestion.readers.html import read_html
from rag.ingestion.readers.inline_pictures import without_data
from rag.ingestion.readers.text import read_markdown, read_text

DATA = base64.b64encode(os.urandom(3000)).decode()
WRAPPED = "\n".join(DATA[at : at + 76] for at in range(0, len(DATA), 76))
URI = f"data:image/png;base64,{DATA}"
SVG = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0L9 (9)'/><text>xyz</text></svg>"
FORMS = {
    "image": f"前 ![楼层图]({URI}) 后",
    "image with a title": f'前 ![楼层图]({URI} "标题") 后',
    "image in angle brackets": f"前 ![楼层图](<{URI}>) 后",
    "image wrapped": f"前 ![楼层图](data:image/png;base64,{WRAPPED}) 后",
    "upper case": f"前 ![楼层图]({URI.replace('data:image', 'DATA:IMAGE')}) 后",
    "parameters": f"前 ![楼层图](data:image/png;charset=utf-8;base64,{DATA}) 后",
    "link": f"前 [楼层图]({URI}) 后",
    "image in a link": f"前 [![楼层图]({URI})](https://a.example) 后",
    "reference": f"前 ![楼层图][a] 后\n\n[a]: {URI}\n",
    "reference with a title": f"前 ![楼层图][a] 后\n\n[a]: <{URI}> 'x'\n",
    "shortcut reference": f"前 ![楼层图] 后\n\n[楼层图]: {URI}\n",
    "tag": f'前 <img src="{URI}" width=3 alt="楼层图"> 后',
    "tag in single quotes": f"前 <img alt='楼层图' src='{URI}'/> 后",
    "tag without quotes": f"前 <img alt=楼层图 src={URI}> 后",
    "svg": f"前 ![楼层图]({SVG}) 后",
    "svg tag": f'前 <img alt="楼层图" src="{SVG}"> 后',
    "percent": "前 ![楼层图](data:image/svg+xml,%3Csvg%20xmlns%3D%22abcdefghijkl%22%3E) 后",
}


@pytest.mark.parametrize("form", FORMS)
def test_no_data_stays_and_the_words_do(form: str) -> None:
    read = read_markdown(FORMS[form].encode())
    assert all(word in read.text for word in ("前", "楼层图", "后")), read.text
    assert len(read.text) < 80 and "data:" not in read.text.lower() and DATA[:20] not in read.text, read.text
    assert "1 inline picture (" in read.notes[0] and "kB" in read.notes[0]


def test_html_pages_lose_theirs_too() -> None:
    page = f'<p>前 <img src="{URI}" alt="楼层图"> 后 <a href="{URI}">下载</a></p><pre>{URI}</pre>'
    read = read_html(page.encode())
    assert all(word in read.text for word in ("前", "楼层图", "后", "下载"))
    assert DATA[:20] not in read.text and read.notes


def test_base64_in_a_fence_is_cut_and_a_short_one_stays() -> None:
    for blob in (DATA, WRAPPED):
        read = read_markdown(f"证书：\n\n```\n{blob}\n```\n\n续期在三月。\n".encode())
        assert "续期在三月。" in read.text and len(read.text) < 200 and read.text.count("```") == 2
        assert "base64" in read.notes[0]
    short = "```\n" + DATA[:100] + "\n```\ncommit 3f8a9c0d12e45b6789012345678901234567890a\n"
    assert (read_text(short.encode()).text, read_text(short.encode()).notes) == (short, ())


def test_words_about_data_addresses_stay() -> None:
    text = "A `data:text/html,hi` address begins with data: and is short. metadata:image/png;base64,AAAA too.\n"
    assert without_data(text).text == text
    plain = "https://a.example/" + "abcdef-" * 200
    assert without_data(plain).text == plain


@pytest.mark.parametrize(
    "hostile",
    ["![" * 200_000, "data:" * 200_000, "data:a/b;base64," * 50_000, "<img " * 200_000, "[a]: data:a/b,(" * 50_000,
     "![a](data:a/b,((((" * 50_000, "A" * 2_000_000, ("A" * 70 + "\n") * 20_000, "<img src=\"data:a/b," * 50_000],
)  # fmt: skip
def test_hostile_texts_take_little_time(hostile: str) -> None:
    begun = time.perf_counter()
    without_data(hostile)
    assert time.perf_counter() - begun < 5
