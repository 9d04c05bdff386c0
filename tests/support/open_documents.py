"""OpenDocument files, e-books and RTF, written element by element."""

import io
import zipfile
from collections.abc import Mapping

_SPACES = ["office", "style", "text", "table", "draw", "fo", "svg", "presentation"]
_NAMES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in _SPACES)
_NAMES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
_TYPE = "application/vnd.oasis.opendocument."


def open_document(kind: str, body: str, *, automatic: str = "", styles: str = "", title: str = "") -> bytes:
    """A file of a kind (text, spreadsheet, presentation); `automatic` are the styles of its content."""
    content = f"<office:automatic-styles>{automatic}</office:automatic-styles>"
    content += f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return zipped(
        {
            "mimetype": f"{_TYPE}{kind}",
            "content.xml": f"<office:document-content {_NAMES}>{content}</office:document-content>",
            "styles.xml": f"<office:document-styles {_NAMES}>{styles}</office:document-styles>",
            "meta.xml": f"<office:document-meta {_NAMES}><dc:title>{title}</dc:title></office:document-meta>",
        }
    )


def zipped(files: Mapping[str, str]) -> bytes:
    """A ZIP file of texts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def p(text: str, style: str = "") -> str:
    """A paragraph."""
    return f'<text:p text:style-name="{style}">{text}</text:p>' if style else f"<text:p>{text}</text:p>"


def style(name: str, family: str, properties: str, parent: str = "") -> str:
    """A style with one element of properties."""
    above = f' style:parent-style-name="{parent}"' if parent else ""
    return f'<style:style style:name="{name}" style:family="{family}"{above}>{properties}</style:style>'


HIDDEN_TEXT = '<style:text-properties text:display="none"/>'


def cell(text: str, more: str = "") -> str:
    """A cell of a table; "" for an empty one."""
    return f"<table:table-cell {more}>{p(text) if text else ''}</table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    """A row; a cell that is no XML is a text."""
    inner = "".join(each if each.startswith("<") else cell(each) for each in cells)
    return f"<table:table-row {more}>{inner}</table:table-row>"


def table(*rows: str, name: str = "表", more: str = "") -> str:
    """A table or a sheet."""
    return f'<table:table table:name="{name}" {more}>{"".join(rows)}</table:table>'


def frame(text: str, *, top: float = 0, left: float = 0, more: str = "") -> str:
    """A text box; each line a paragraph."""
    lines = "".join(map(p, text.split("\n")))
    place = f'svg:x="{left}cm" svg:y="{top}cm" svg:width="5cm" svg:height="1cm"'
    return f"<draw:frame {place} {more}><draw:text-box>{lines}</draw:text-box></draw:frame>"


def e_book(chapters: Mapping[str, str], *, title: str = "", more: Mapping[str, str] | None = None) -> bytes:
    """An EPUB of pages by their names, in order."""
    items = "".join(
        f'<item id="i{at}" href="{name}" media-type="application/xhtml+xml"/>' for at, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{at}"/>' for at in range(len(chapters)))
    book = '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    book += f"<metadata><dc:title>{title}</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine>"
    root = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    pages = {f"OEBPS/{name}": f"<html><body>{text}</body></html>" for name, text in chapters.items()}
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": root,
            "OEBPS/book.opf": f"{book}</package>",
            **pages,
            **(more or {}),
        }
    )


def rtf(body: str, head: str = r"\ansi\ansicpg936") -> bytes:
    """An RTF file; what is not ASCII is written as Unicode escapes."""
    escaped = "".join(each if each.isascii() else f"\\u{_signed(ord(each))}?" for each in body)
    return f"{{\\rtf1{head}{{\\fonttbl{{\\f0\\fcharset134 SimSun;}}{{\\f1 Arial;}}}}\n{escaped}}}".encode()


def _signed(code: int) -> int:
    return code - 65_536 if code > 32_767 else code
