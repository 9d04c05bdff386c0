"""Foreign pictures made harmless and small for a model that sees: decoded, shrunk and written anew.

What is here runs in the reading process; elsewhere call `rag.ingestion.readers.picture_url`.
"""

import base64
import importlib.util
import io

from rag.ingestion.readers.ocr import FORMATS, MOST_PIXELS
from rag.ingestion.readers.parsed import CannotRead, Parsed, TooLarge, require

LONGEST_SIDE = 1568
QUALITY = 85


def can_show() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("PIL") is not None


def read_picture(content: bytes) -> Parsed:
    """The picture as the `data:` URL of a JPEG. Raises CannotRead, TooLarge."""
    require("vision", "PIL")
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is decoded
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise TooLarge(f"has more than {MOST_PIXELS // 1_000_000} million pixels")
            picture = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged pictures
        raise CannotRead("is damaged, or not a picture of a known kind") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    written = io.BytesIO()
    ground.save(written, "JPEG", quality=QUALITY)
    return Parsed("data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode())
