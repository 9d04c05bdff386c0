"""Text of pictures, by rapidocr when the extra `ocr` is there. Its models are in its wheel: nothing is downloaded."""

import functools
import importlib.util
import logging
from typing import Any

LONGEST_SIDE = 1600


def can_ocr() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def text_of_image(image: Any) -> str:
    """The lines of a PIL image, from top to bottom."""
    import numpy as np

    picture = image.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    result = _reader()(np.asarray(picture))
    return "\n".join(result.txts or ())


@functools.cache
def _reader() -> Any:
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR()
