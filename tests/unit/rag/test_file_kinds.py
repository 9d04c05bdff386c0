"""Files that no reader takes, or that are not what their name says: named as what they are, with the way out."""

import io
import zipfile
from pathlib import Path

import pytest

from rag.errors import Unreadable
from rag.ingestion.file_discovery import LeftOut, find_files
from rag.ingestion.files import why_not_read
from rag.ingestion.readers.file_kinds import VARIANTS
from rag.ingestion.readers.parsed import CannotRead, Parsed
from rag.ingestion.readers.worker import parse
from tests.support.office_files import write_docx, write_pdf, write_pptx, write_xlsx

pytest.importorskip("pypdfium2")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def ole(*names: str) -> bytes:
    """A container whose directory has these entries."""
    entries = (name.encode("utf-16-le").ljust(64, b"\0") + b"\0" * 64 for name in ("Root Entry", *names))
    return OLE + b"".join(entries) + b"\0" * 4096


def zipped(**files: str) -> bytes:
    """Without the time of day, which would be a part of a test's name and differ between workers."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/")), text)
    return content.getvalue()


def epub(kind: str) -> bytes:
    return zipped(mimetype=f"application/{kind}", content="x")


@pytest.mark.parametrize(
    ("content", "suffix", "words"),
    [
        (ole("EncryptionInfo", "EncryptedPackage"), ".docx", "is a password-protected Word file; remove the password"),
        (ole("EncryptedPackage"), ".xlsx", "password-protected Excel file"),
        (ole("EncryptedPackage"), ".pptx", "password-protected PowerPoint file"),
        (ole("EncryptedPackage"), ".doc", "password-protected Word file"),
        (ole("WordDocument"), ".doc", "Word 97-2003 (.doc); open it in Word or WPS and save it as .docx"),
        (ole("WordDocument"), ".docx", "Word 97-2003 (.doc)"),
        (ole("Workbook"), ".xls", "Excel 97-2003 (.xls)"),
        (ole("Workbook"), ".xlsx", "Excel 97-2003 (.xls)"),
        (ole("PowerPoint Document"), ".ppt", "PowerPoint 97-2003 (.ppt)"),
        (ole("WordDocument"), ".wps", "WPS Writer (.wps); open it in WPS and save it as .docx"),
        (ole("Workbook"), ".et", "WPS Spreadsheets (.et)"),
        (ole("PowerPoint Document"), ".dps", "WPS Presentation (.dps)"),
        (ole("WordDocument"), ".pdf", "Word 97-2003"),
        (ole("__nameid_version1.0"), ".msg", "Outlook message"),
        (ole("Anything"), ".docx", "old Office file"),
        (epub("vnd.oasis.opendocument.text"), ".odt", "is damaged: its main part is missing"),
        (epub("vnd.oasis.opendocument.spreadsheet"), ".xlsx", "is damaged: its main part is missing"),
        (epub("epub+zip"), ".epub", "is damaged: its main part is missing"),
        (zipped(Index__Document_iwa="", **{"Index__Document.iwa": ""}), ".numbers", "Numbers spreadsheet"),
        (zipped(a="b"), ".pdf", "compressed archive"),
        (zipped(a="b"), ".docx", "ZIP archive without Word in it"),
        (zipped(a="b")[:30], ".docx", "is damaged, or not what its name says"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 99, ".mp4", "is a video"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 99, ".pdf", "is a video"),
        (b"anything", ".mov", "is a video"),
        (b"ID3\x03" + b"\0" * 99, ".mp3", "is an audio recording"),
        (b"RIFF\0\0\0\0WAVEfmt ", ".wav", "is an audio recording"),
        (b"\x1f\x8b\x08" + b"\0" * 20, ".txt", "compressed archive"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", ".doc", "web archive"),
        (b"<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?><Workbook/>", ".xls", "Excel 2003 XML"),
    ],
)
def test_it_is_named_with_the_way_out(content: bytes, suffix: str, words: str) -> None:
    with pytest.raises((CannotRead, Unreadable)) as caught:
        parse(suffix, content)
    assert words in str(caught.value)


def read_as(content: bytes, suffix: str) -> Parsed:
    parsed = parse(suffix, content)
    assert "whatever its name says; read as that" in parsed.notes[0]
    return parsed


def test_new_formats_under_other_names_are_read_as_what_they_are(tmp_path: Path) -> None:
    word, sheet = write_docx(tmp_path / "a.docx").read_bytes(), write_xlsx(tmp_path / "a.xlsx").read_bytes()
    slides, pdf = write_pptx(tmp_path / "a.pptx").read_bytes(), write_pdf(tmp_path / "a.pdf", [["有字。"]]).read_bytes()
    for suffix in (".doc", ".wps", ".pdf", ".xlsx", ".txt"):
        assert "三家比价" in read_as(word, suffix).text
    assert "X100" in read_as(sheet, ".xls").text and "发布计划" in read_as(slides, ".ppt").text
    assert "有字。" in read_as(pdf, ".docx").text
    assert not any("whatever its name" in note for note in parse(".docx", word).notes)


def test_a_main_part_of_another_name_is_found(tmp_path: Path) -> None:
    """Word on the web writes word/document2.xml."""
    content = io.BytesIO()
    with zipfile.ZipFile(write_docx(tmp_path / "a.docx")) as old, zipfile.ZipFile(content, "w") as new:
        for entry in old.infolist():
            text = old.read(entry).replace(b"word/document.xml", b"word/document2.xml")
            new.writestr(
                entry.filename.replace("word/document.xml", "word/document2.xml").replace(
                    "document.xml.rels", "document2.xml.rels"
                ),
                text,
            )
    assert "三家比价" in parse(".docx", content.getvalue()).text
    assert "三家比价" in read_as(content.getvalue(), ".xlsx").text


def test_files_with_macros_templates_and_shows_are_read_as_their_kind(tmp_path: Path) -> None:
    made = {
        ".docx": (write_docx(tmp_path / "a.docx"), "三家比价"),
        ".xlsx": (write_xlsx(tmp_path / "a.xlsx"), "X100"),
        ".pptx": (write_pptx(tmp_path / "a.pptx"), "发布计划"),
    }
    for suffix, kind in VARIANTS.items():
        file, words = made[kind]
        read = parse(suffix, file.read_bytes())
        assert words in read.text and not any("name" in note for note in read.notes), suffix
        assert why_not_read(f"a{suffix}") == ""


def test_pages_and_tables_that_programs_call_office_files_are_read() -> None:
    page = "<html xmlns:x='urn:x'><body><table><tr><th>姓名<th>电话<tr><td>王芳<td>8001</table></body></html>"
    for content in (page.encode(), page.encode("utf-8-sig"), page.encode("utf-16")):
        assert "| 王芳 | 8001 |" in read_as(content, ".xls").text
    assert "姓名：王芳；电话：8001" in read_as("姓名\t电话\n王芳\t8001\n李雷\t8002\n".encode("gb18030"), ".xls").text


def test_texts_that_begin_like_something_else_stay_texts() -> None:
    for text in ("ID3 tags are read.", "GIF8 is a word", "BMW 标准", "<html> is a tag", "PK 赛规则"):
        assert parse(".md", text.encode()).text == text


def test_videos_recordings_and_pictures_in_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.ingestion.files.can_ocr", lambda: False)
    for name in ("a.mp4", "b.MP3", "c.png", "d.zip", "e.msg", "f.md", "g.exe", "h.doc"):
        (tmp_path / name).write_bytes(b"x")
    found = {each.source: each for each in find_files([tmp_path])}
    assert list(found) == ["a.mp4", "b.MP3", "c.png", "d.zip", "e.msg", "f.md", "h.doc"]
    reasons = {name: each.reason.split(";")[0] for name, each in found.items() if isinstance(each, LeftOut)}
    assert reasons == {
        "a.mp4": "is a video",
        "b.MP3": "is an audio recording",
        "c.png": "is a picture",
        "d.zip": "is a compressed archive",
        "e.msg": "is an Outlook message",
    }
    monkeypatch.setattr("rag.ingestion.files.can_ocr", lambda: True)
    assert why_not_read("c.png") == "" and why_not_read("g.exe") is None
