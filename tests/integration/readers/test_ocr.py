"""Words in pictures: read by the real engine out of scanned-like pages, in a process of their own, with no network."""

import contextlib
import importlib.util
import io
import struct
import zlib
from pathlib import Path

import pytest

from rag.errors import Unreadable
from rag.ingestion.files import to_document
from rag.ingestion.readers import Readers, image_text
from rag.settings import ReadingSettings
from tests.support.ocr import needs_ocr
from tests.support.office_files import picture_of, write_pdf

LINES = [
    "差旅费报销管理办法",
    "出差结束后十五个工作日内提交报销单，逾期不予受理。",
    "北京每晚住宿上限 600 元，成都 420 元。",
    "错误代码 ERR_1042 请联系 it@example.com",
]


def plain(text: str) -> str:
    return "".join(text.split()).replace("，", ",").replace("。", ".")


def likeness(read: str, lines: list[str]) -> float:
    """The share of the characters that were read, in order."""
    import difflib

    wanted, got = plain("".join(lines)), plain(read)
    matcher = difflib.SequenceMatcher(None, wanted, got, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(wanted)


@needs_ocr
def test_a_scanned_chinese_pdf_is_read_and_text_pages_are_not(font: Path, tmp_path: Path) -> None:
    file = picture_of(LINES, tmp_path / "scan.pdf", font=font)
    with contextlib.closing(Readers(ReadingSettings())) as readers:
        document = to_document(file.read_bytes(), "scan.pdf", "default", readers)
        words = write_pdf(tmp_path / "text.pdf", [["有字的一页不用看图。"]]).read_bytes()
        text = to_document(words, "text.pdf", "default", readers)
    assert likeness(document.text, LINES) >= 0.95, document.text
    assert "600" in document.text and "1042" in document.text and document.places[0][1].name == "1"
    assert text.text.strip() == "有字的一页不用看图。"


@needs_ocr
@pytest.mark.parametrize("kind", ["png", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("jpg", "webp"))])
def test_the_words_of_a_picture(font: Path, tmp_path: Path, kind: str) -> None:
    content = picture_of(LINES, tmp_path / f"a.{kind}", font=font).read_bytes()
    read = image_text(content, ReadingSettings())
    assert likeness(read, LINES) >= 0.95, read
    assert read.index("差旅") < read.index("出差结束") < read.index("1042"), "from top to bottom"


@needs_ocr
def test_a_picture_without_words_has_no_text() -> None:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(content, "PNG")
    assert image_text(content.getvalue(), ReadingSettings()) == ""


@needs_ocr
def test_what_is_no_picture_or_too_large_says_so() -> None:
    with pytest.raises(Unreadable, match="not a picture of a known kind") as damaged:
        image_text(b"\x89PNG\r\n\x1a\n and nothing more", ReadingSettings())
    assert not damaged.value.too_large
    with pytest.raises(Unreadable, match="million pixels") as too_large:
        image_text(png_bomb(60_000, 60_000), ReadingSettings())
    assert too_large.value.too_large


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.ingestion.readers.ocr import read_image
    from rag.ingestion.readers.parsed import CannotRead

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CannotRead, match=r"needs the extra ocr: pip install"):
        read_image(b"")


def png_bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than anybody holds, in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
