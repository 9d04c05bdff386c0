"""Pictures for a model that sees: small, plain and decoded where they can do no harm."""

import base64
import io

import pytest

from rag.errors import Unreadable
from rag.ingestion.readers import picture_url
from rag.settings import ReadingSettings

pillow = pytest.importorskip("PIL.Image", reason="the extra vision is not installed")


def drawn(mode: str, size: tuple[int, int], kind: str = "PNG", **how: object) -> bytes:
    written = io.BytesIO()
    pillow.new(mode, size, **how).save(written, kind)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_kind_becomes_a_small_jpeg(kind: str) -> None:
    url = picture_url(drawn("RGB", (3000, 1500), kind, color="red"), ReadingSettings())
    head, _, content = url.partition(";base64,")
    assert head == "data:image/jpeg"
    with pillow.open(io.BytesIO(base64.b64decode(content, validate=True))) as shown:
        assert shown.format == "JPEG" and shown.size == (1568, 784)
        assert shown.getpixel((5, 5))[0] > 200


def test_what_is_transparent_is_white() -> None:
    url = picture_url(drawn("RGBA", (20, 20), color=(0, 0, 0, 0)), ReadingSettings())
    with pillow.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as shown:
        assert min(shown.getpixel((10, 10))) > 250


def test_too_many_pixels_are_never_decoded() -> None:
    with pytest.raises(Unreadable) as caught:
        picture_url(drawn("1", (20_000, 20_000)), ReadingSettings())
    assert caught.value.too_large


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n and nothing more", b"<svg/>"])
def test_what_is_no_picture_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        picture_url(content, ReadingSettings())
    assert not caught.value.too_large
