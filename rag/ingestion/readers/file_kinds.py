"""What a file is by its first bytes, whatever its name says; and a sentence for what is not read, with its way out."""

import io
import re
import zipfile
import zlib

from rag.ingestion.readers.parsed import CannotRead

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
_VIDEO = "is a video; what is said in it is not read: put a transcript beside it as text"
_AUDIO = "is an audio recording; what is said in it is not read: put a transcript beside it as text"
_ARCHIVE = "is a compressed archive; unpack it and put its files here"
_HEIC = "is a picture in HEIC format; save it as PNG or JPEG"
NOT_READ = {
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".wmv", ".flv", ".webm", ".m4v", ".mpg", ".mpeg", ".3gp"), _VIDEO),
    **dict.fromkeys((".mp3", ".wav", ".m4a", ".aac", ".ogg", ".opus", ".flac", ".wma", ".amr"), _AUDIO),
    **dict.fromkeys((".zip", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz"), _ARCHIVE),
    **dict.fromkeys((".heic", ".heif"), _HEIC),
    ".mobi": "is an e-book (Kindle); convert it to .docx, .html or .pdf",
    ".msg": "is an Outlook message; open it in Outlook and save it as .html or .txt",
    ".mht": "is a web archive (MHTML); open it in a browser or Word and save it as .html or .docx",
    ".mhtml": "is a web archive (MHTML); open it in a browser or Word and save it as .html or .docx",
    ".pages": "is a Pages document; export it from Pages as .docx or .pdf",
    ".numbers": "is a Numbers spreadsheet; export it from Numbers as .xlsx",
    ".key": "is not read; if it is a Keynote presentation, export it from Keynote as .pptx or .pdf",
    ".xlsb": "is a binary Excel workbook (.xlsb); open it in Excel and save it as .xlsx",
    ".doc": "is in an old format, Word 97-2003 (.doc); open it in Word or WPS and save it as .docx",
    ".xls": "is in an old format, Excel 97-2003 (.xls); open it in Excel or WPS and save it as .xlsx",
    ".ppt": "is in an old format, PowerPoint 97-2003 (.ppt); open it in PowerPoint or WPS and save it as .pptx",
    ".wps": "is in an old format, WPS Writer (.wps); open it in WPS and save it as .docx",
    ".et": "is in an old format, WPS Spreadsheets (.et); open it in WPS and save it as .xlsx",
    ".dps": "is in an old format, WPS Presentation (.dps); open it in WPS and save it as .pptx",
}
"""By suffix: the sentence after a file's name."""
READ_AS = {
    ".docx": "a Word document",
    ".xlsx": "an Excel workbook",
    ".pptx": "a PowerPoint presentation",
    ".pdf": "a PDF",
    ".html": "a web page",
    ".tsv": "a table of text with tabs",
    ".rtf": "an RTF document",
    ".odt": "an OpenDocument text",
    ".ods": "an OpenDocument spreadsheet",
    ".odp": "an OpenDocument presentation",
    ".epub": "an e-book (EPUB)",
    ".image": "a picture",
}
VARIANTS = {
    **dict.fromkeys((".docm", ".dotx", ".dotm"), ".docx"),
    **dict.fromkeys((".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), ".pptx"),
    **dict.fromkeys((".xlsm", ".xltx", ".xltm"), ".xlsx"),
}
"""With macros, templates, and shows that start by themselves: read like the kind that they are a variant of."""
_PROGRAMS = {".docx": "Word", ".pptx": "PowerPoint", ".xlsx": "Excel"}
OPEN_XML = _PROGRAMS | {suffix: _PROGRAMS[kind] for suffix, kind in VARIANTS.items()}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_OF = {"Word": (".doc", ".wps"), "Excel": (".xls", ".et"), "PowerPoint": (".ppt", ".dps")}
_STREAMS = {"WordDocument": "Word", "Workbook": "Excel", "PowerPoint Document": "PowerPoint"}
_ENCRYPTED = "is a password-protected {} file; remove the password and save it again"
_PARTS = {"word/document.xml": ".docx", "xl/workbook.xml": ".xlsx", "ppt/presentation.xml": ".pptx"}
_CONTENT_TYPES = "[content_types].xml"
_MAIN_TYPES = (
    (re.compile(rb"(?:wordprocessingml|ms-word)\.[\w.]+\.main\+xml"), ".docx"),
    (re.compile(rb"(?:spreadsheetml|ms-excel)\.[\w.]+\.main\+xml"), ".xlsx"),
    (re.compile(rb"(?:presentationml|ms-powerpoint)\.[\w.]+\.main\+xml"), ".pptx"),
)
_MIME_TYPES = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
    b"application/vnd.oasis.opendocument.presentation": ".odp",
    b"application/epub+zip": ".epub",
}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", ".image"),
    (b"\xff\xd8\xff", ".image"),
    (b"GIF87a", ".image"),
    (b"GIF89a", ".image"),
    (b"II*\x00", ".image"),
    (b"MM\x00*", ".image"),
    (b"{\\rtf", ".rtf"),
    (b"\x1aE\xdf\xa3", ".mkv"),
    (b"FLV\x01", ".flv"),
    (b"ID3\x02", ".mp3"),
    (b"ID3\x03", ".mp3"),
    (b"ID3\x04", ".mp3"),
    (b"OggS\x00", ".ogg"),
    (b"fLaC\x00", ".flac"),
    (b"#!AMR", ".amr"),
    (b"Rar!\x1a\x07", ".rar"),
    (b"7z\xbc\xaf\x27\x1c", ".7z"),
    (b"\x1f\x8b\x08", ".gz"),
)
_RIFF = {b"WAVE": ".wav", b"AVI ": ".avi", b"WEBP": ".image"}
_PAGE = re.compile(
    rb"(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|table|meta)\b", re.I | re.S
)
_TEXTS = frozenset({".md", ".markdown", ".txt", ".csv", ".tsv", ".html", ".htm"})
_SHEETS = frozenset({".xls", ".et", ".xlsx", ".xlsm", ".xltx", ".xltm"})
_OFFICE = frozenset({*OPEN_XML, ".doc", ".xls", ".ppt", ".wps", ".et", ".dps"})
_HEAD = 4096
_MOST_DECLARED = 1_000_000


def actual_kind(content: bytes, suffix: str) -> str:
    """The suffix by which a file is to be read; another one than its own where its bytes are certain about it.

    Raises CannotRead, with what the file is and what helps, for what no reader takes.
    """
    kind = _by_bytes(content, suffix)
    if kind in NOT_READ:
        raise CannotRead(NOT_READ[kind])
    if kind in OPEN_XML or kind not in PICTURES:
        return kind
    return ".image"


def note_on(kind: str, suffix: str) -> tuple[str, ...]:
    """A note where a file was read as something else than its name says."""
    is_same = kind == suffix or (kind == ".image" and suffix in PICTURES) or (kind == ".html" and suffix == ".htm")
    return () if is_same or kind not in READ_AS else (f"is {READ_AS[kind]}, whatever its name says; read as that",)


def _by_bytes(content: bytes, suffix: str) -> str:
    head = content[:_HEAD]
    if head.startswith(_OLE):
        return _of_ole(content, suffix)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _of_zip(content, suffix)
    if head.startswith(b"%PDF-") or (suffix not in _TEXTS and b"%PDF-" in head[:1024]):
        return ".pdf"
    return _by_magic(head) or _of_text(head, suffix)


def _by_magic(head: bytes) -> str:
    if head[4:8] == b"ftyp" and head[:1] == b"\x00":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"mif1"):
            return ".heic"
        return ".m4a" if brand.startswith(b"M4A") else ".mp4"
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "")
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1") and b"\x00" in head:
        return ".mp3"
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return ".image"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def _of_text(head: bytes, suffix: str) -> str:
    """What is text and called an office file: programs write web pages and tables under such names."""
    if suffix not in _OFFICE:
        return suffix
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(encoding, "ignore").encode()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"Excel.Sheet" in text or (b"schemas-microsoft-com:office:spreadsheet" in text and text.startswith(b"<?xml")):
        raise CannotRead("is an Excel 2003 XML file; open it in Excel or WPS and save it as .xlsx")
    if b'progid="Word.Document"' in text:
        raise CannotRead("is a Word 2003 XML file; open it in Word or WPS and save it as .docx")
    if text[:13].lower() == b"mime-version:":
        return ".mht"
    if _PAGE.match(text):
        return ".html"
    if suffix in _SHEETS and b"\x00" not in text and _has_tabs(text):
        return ".tsv"
    return suffix


def _has_tabs(text: bytes) -> bool:
    lines = [line for line in text.split(b"\n")[:20] if line.strip()][:-1] or [text]
    return len(lines) > 1 and all(b"\t" in line for line in lines)


def _of_ole(content: bytes, suffix: str) -> str:
    """An OLE container: an old office file, an Outlook message, or a new office file that is encrypted."""
    names = [name for name in (*_STREAMS, "EncryptedPackage", "__nameid_version1.0") if _has_stream(content, name)]
    if "EncryptedPackage" in names:
        what = OPEN_XML.get(suffix) or next((name for name, old in _OLD_OF.items() if suffix in old), "Office")
        raise CannotRead(_ENCRYPTED.format(what))
    if "__nameid_version1.0" in names:
        return ".msg"
    found = [_STREAMS[name] for name in names]
    for program in found:  # a file may hold others: what its name says comes first
        if suffix in _OLD_OF[program]:
            return suffix
    if found:
        return _OLD_OF[found[0]][0]
    if suffix in _OFFICE and suffix not in OPEN_XML:
        return suffix
    raise CannotRead("is an old Office file (before 2007), whatever its name says; open it in Office and save it anew")


def _has_stream(content: bytes, name: str) -> bool:
    """Whether the directory has an entry of that name: entries begin at multiples of 128 bytes."""
    wanted = name.encode("utf-16-le") + b"\x00\x00"
    at = content.find(wanted)
    while at >= 0:
        if at % 128 == 0:
            return True
        at = content.find(wanted, at + 2)
    return False


def _of_zip(content: bytes, suffix: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry.filename.replace("\\", "/").lower(): entry for entry in archive.infolist()}
            kind = next((kind for part, kind in _PARTS.items() if part in entries), "") or _declared(archive, entries)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CannotRead("is damaged, or not what its name says: copy or download it again") from error
    if kind in _PARTS.values():
        return suffix if VARIANTS.get(suffix) == kind else kind
    if any(entry.flag_bits & 1 for entry in entries.values()):
        raise CannotRead(_ENCRYPTED.format("ZIP"))
    if "xl/workbook.bin" in entries:
        return ".xlsb"
    if kind or "mimetype" in entries:
        return kind or ".zip"
    if any(name.endswith(".iwa") or name == "index.zip" for name in entries):
        return suffix if suffix in (".pages", ".numbers", ".key") else ".pages"
    if suffix in OPEN_XML or not entries:
        raise CannotRead(f"is a ZIP archive without {OPEN_XML.get(suffix, 'anything')} in it; save it again")
    return ".zip"


def _declared(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> str:
    """The kind that a package names itself: programs may call its main part anything, as `word/document2.xml`."""
    for name in ("mimetype", _CONTENT_TYPES):
        entry = entries.get(name)
        if entry is None or entry.flag_bits & 1 or entry.file_size > _MOST_DECLARED:
            continue
        try:
            said = archive.read(entry)
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, zlib.error):
            continue
        if name == "mimetype":
            return next((kind for mime, kind in _MIME_TYPES.items() if mime in said), "")
        return next((kind for pattern, kind in _MAIN_TYPES if pattern.search(said)), "")
    return ""
