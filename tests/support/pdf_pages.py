"""PDF files made of parts that stand where a test says: words, lines, pictures, form fields, annotations."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WIDTH, HEIGHT = 595, 842
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
"""To draw Chinese with; not everywhere."""
FONTS = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [<< /Type /Font"
    " /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor << /Type /FontDescriptor /FontName"
    " /STSong-Light /Flags 6 /Ascent 880 /Descent -120 /CapHeight 880 /ItalicAngle 0 /StemV 93"
    " /FontBBox [-25 -254 1000 880] >> /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>] >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
)
PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


@dataclass
class PdfPage:
    """A page; places are counted from its top left corner."""

    rotate: int = 0
    size: tuple[int, int] = (WIDTH, HEIGHT)
    content: str = ""
    pictures: list[bytes] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)

    def text(self, words: str, x: float, y: float, *, size: float = 11, quarter: bool = False, mode: int = 0) -> None:
        """Words; `quarter` turns them upwards, `mode` 3 hides them."""
        font, shown = ("F2", f"({words})") if words.isascii() else ("F1", f"<{words.encode('utf-16-be').hex()}>")
        turn = f"0 1 -1 0 {x} {self.size[1] - y}" if quarter else f"1 0 0 1 {x} {self.size[1] - y}"
        self.content += f"BT {mode} Tr /{font} {size} Tf {turn} Tm {shown} Tj ET\n"

    def lines(self, lines: Sequence[str], x: float, y: float, *, size: float = 11, step: float = 18) -> None:
        """Lines below each other."""
        for number, line in enumerate(lines):
            self.text(line, x, y + step * number, size=size)

    def rule(self, left: float, top: float, right: float, bottom: float) -> None:
        """A line."""
        self.content += f"{left} {self.size[1] - top} m {right} {self.size[1] - bottom} l S\n"

    def picture(self, jpeg: bytes, left: float, top: float, width: float, height: float) -> None:
        """A picture."""
        self.pictures.append(jpeg)
        place = f"{width} 0 0 {height} {left} {self.size[1] - top - height}"
        self.content += f"q {place} cm /I{len(self.pictures)} Do Q\n"

    def annotation(self, left: float, top: float, right: float, bottom: float, entries: str) -> None:
        """An annotation or a form field, by its entries."""
        box = f"[{left} {self.size[1] - bottom} {right} {self.size[1] - top}]"
        self.annotations.append(f"<< /Type /Annot /Rect {box} {entries} >>")


def hexed(text: str) -> str:
    """A text as a PDF string."""
    return f"<feff{text.encode('utf-16-be').hex()}>"


def pdf_of(*pages: PdfPage, password: str | None = None) -> bytes:
    """The file; `password` encrypts it, "" so that everybody can open it."""
    objects: list[bytes] = [b"", b"", *(font.encode() for font in FONTS)]
    kids, fields = [], []
    key, encryption = _encryption(password) if password is not None else (b"", b"")
    for page in pages:
        names = []
        for jpeg in page.pictures:
            objects.append(_stream(jpeg, len(objects) + 1, key, _picture_entries(jpeg)))
            names.append(f"/I{len(names) + 1} {len(objects)} 0 R")
        widgets = []
        for annotation in page.annotations:
            objects.append(annotation.encode())
            widgets.append(f"{len(objects)} 0 R")
            fields += [widgets[-1]] if "/Widget" in annotation else []
        objects.append(_stream(page.content.encode("latin-1"), len(objects) + 1, key, ""))
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page.size[0]} {page.size[1]}] /Rotate {page.rotate}"
            f" /Contents {len(objects)} 0 R /Annots [{' '.join(widgets)}] /Resources << /Font << /F1 3 0 R /F2 4 0 R >>"
            f" /XObject << {' '.join(names)} >> >> >>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    form = f"/AcroForm << /Fields [{' '.join(fields)}] /DR << /Font << /F2 4 0 R >> >> >>" if fields else ""
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {form} >>".encode()
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    return _file(objects, encryption)


def jpeg_of(lines: Sequence[str], font: Path, *, width: int = 1200, height: int = 1600, size: int = 44) -> bytes:
    """A picture of lines of words."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (width, height), 245)
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((80, 80 + 2 * size * number), line, fill=30, font=ImageFont.truetype(str(font), size))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=88)
    return written.getvalue()


def _picture_entries(jpeg: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as image:
        space = "/DeviceGray" if image.mode == "L" else "/DeviceRGB"
        return (
            f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} /BitsPerComponent 8"
            f" /ColorSpace {space} /Filter /DCTDecode"
        )


def _stream(content: bytes, number: int, key: bytes, entries: str) -> bytes:
    if key:
        content = _arc4(hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[: len(key) + 5], content)
    return f"<< /Length {len(content)} {entries} >>\nstream\n".encode() + content + b"\nendstream"


def _encryption(password: str) -> tuple[bytes, bytes]:
    """Key and dictionary of the standard handler's first revision."""
    padded = (password.encode() + PADDING)[:32]
    owner = _arc4(hashlib.md5((b"owner" + PADDING)[:32]).digest()[:5], padded)
    key = hashlib.md5(padded + owner + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + b"id").digest()[:5]
    user = _arc4(key, PADDING)
    return key, f"<< /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P -4 >>".encode()


def _arc4(key: bytes, content: bytes) -> bytes:
    from Crypto.Cipher import ARC4

    return bytes(ARC4.new(key).encrypt(content))


def _file(objects: list[bytes], encryption: bytes) -> bytes:
    content, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    lock = b"/Encrypt %b /ID [<6964> <6964>]" % encryption if encryption else b""
    tail = (len(objects) + 1, rows, len(objects) + 1, lock, len(content))
    return (
        content
        + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % tail
    )


def scan(
    *, stamp: str = "", mode: int = 0, lines: tuple[str, ...] = ("仓库安全规定", "叉车限速每小时六公里")
) -> PdfPage:
    """A page that is a picture of some lines, and may have a text printed over it."""
    page = PdfPage()
    page.picture(jpeg_of(lines, FONT), 0, 0, 595, 842)
    if stamp:
        page.text(stamp, 40, 820, size=8, mode=mode)
    return page
