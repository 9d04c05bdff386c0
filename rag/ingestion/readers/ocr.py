"""Text of pictures, by rapidocr when the extra `ocr` is there. Its models are in its wheel: nothing is downloaded.

What is here runs in the reading process; elsewhere call `rag.ingestion.readers.image_text`.
"""

import functools
import importlib.util
import io
import logging
from typing import Any

from rag.ingestion.readers.parsed import CannotRead, Parsed, TooLarge, require

LONGEST_SIDE = 1600
MOST_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")


def can_ocr() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def read_image(content: bytes) -> Parsed:
    """The words in a picture, whatever its name ends in; none is no error. Raises CannotRead, TooLarge."""
    require("ocr", "rapidocr", "onnxruntime")
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is decoded
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise TooLarge(f"has more than {MOST_PIXELS // 1_000_000} million pixels")
            return Parsed(text_of_image(image))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged pictures
        raise CannotRead("is damaged, or not a picture of a known kind") from error


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
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return RapidOCR(params={"Global.log_level": "error", **threads})
