"""Scanned PDF pages, read by the real engine."""

import importlib.util

import pytest

from rag.ingestion.readers.parsed import Parsed
from rag.ingestion.readers.pdf import read_pdf
from tests.support.pdf_pages import FONT, PdfPage, jpeg_of, pdf_of, scan

needs_ocr = pytest.mark.skipif(
    not FONT.is_file() or any(importlib.util.find_spec(name) is None for name in ("rapidocr", "onnxruntime")),
    reason="the extra ocr is not installed, or no Chinese font",
)
LEFT = [
    "一、借款。员工因公借款须填写",
    "借款单，单笔不超过三千元，由",
    "主管签字，并在三十日内归还，",
    "逾期的从工资中扣除。",
]


def read(*pages: PdfPage) -> Parsed:
    return read_pdf(pdf_of(*pages))


def flat(parsed: Parsed) -> str:
    return "".join(parsed.text.split())


@needs_ocr
@pytest.mark.parametrize(
    ("stamp", "mode"), [("", 0), ("Internal - printed 2026-03-01 - page 1 of 1", 0), ("an invisible layer of text", 3)]
)
def test_a_scan_is_read_whatever_is_stamped_on_it(stamp: str, mode: int) -> None:
    text = flat(read(scan(stamp=stamp, mode=mode)))
    assert "叉车限速每小时六公里" in text and stamp[:8].replace(" ", "") in text


@needs_ocr
def test_a_page_of_text_and_picture_has_both() -> None:
    page = PdfPage()
    page.lines(LEFT, 60, 80)
    page.picture(jpeg_of(["室外车位每月三百元"], FONT, height=500), 60, 400, 450, 190)
    text = flat(read(page))
    assert text.startswith("".join(LEFT)) and "室外车位每月三百元" in text
