"""What tests that read words in pictures need: the engine, and a font to draw Chinese with."""

import importlib.util
from pathlib import Path

import pytest

FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
)
needs_ocr = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("rapidocr", "onnxruntime", "pypdfium2", "pdfplumber")),
    reason="the extras ocr and docs are not installed",
)
