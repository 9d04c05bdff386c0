"""Files and pictures: text is shown, PDFs and pictures are drawn by the browser, anything else is only downloaded."""

import mimetypes
import re
from html import escape
from urllib.parse import quote

from starlette.responses import Response

from feishu.sandbox.document_store import DocumentStore, Resource
from feishu.sandbox.server.uploads import DRAWN
from feishu.sandbox.server.viewer.frame import Reader

MOST_TEXT = 1_000_000
"""Bytes of a text that is shown; a longer one is downloaded."""
PDF = "application/pdf"
_MARKDOWN = (".md", ".markdown")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<name>.+?)[ \t]*#*[ \t]*$")
_OWN_ID = re.compile(r"\{#(\S+)\}$")
_NOT_ID = re.compile(r"[^\w\- ]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_FRAMED = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}


def file_html(token: str, resource: Resource, reader: Reader) -> str:
    """A file of the drive, or what a document has inside."""
    address = reader.resource(token)
    load = f'<a class="download" href="{address}" download="{escape(resource.name)}">{reader.word("download")}</a>'
    told = f'<p class="about">{_size(len(resource.content))} · {load}</p>'
    drawn = _drawn_type(resource)
    if drawn == PDF:  # its address is put in by the page's script, with the page that the link names
        return f'{told}<iframe class="pdf" data-src="{address}" title="{escape(resource.name)}"></iframe>'
    if drawn:
        return f'{told}<img class="picture" src="{address}" alt="{escape(resource.name)}">'
    text = _text(resource.content)
    if text is None:
        return told + reader.notice("no_preview")
    is_markdown = resource.name.lower().endswith(_MARKDOWN)
    return f'{told}<pre class="text">{_with_ids(text) if is_markdown else escape(text)}</pre>'


def figure(store: DocumentStore, token: str, caption: str, reader: Reader) -> str:
    """A picture in a document, with its caption; a link where the browser draws no such kind."""
    resource = store.resources.get(token)
    if resource is None:
        return f"{reader.word('gone')} {escape(caption or token)}"
    link, words = reader.href("file", token), escape(caption or resource.name)
    if _drawn_type(resource) in DRAWN:
        drawn = f'<a href="{link}"><img src="{reader.resource(token)}" alt="{words}"></a>'
        return drawn + (f"<figcaption>{words}</figcaption>" if caption else "")
    return f'🖼 <a href="{link}">{words}</a>'


def serve_resource(resource: Resource | None) -> Response:
    """The bytes of a file: inline only what a browser draws without running anything of it."""
    if resource is None:
        return Response("no such file", 404, media_type="text/plain")
    drawn = _drawn_type(resource)
    name = quote(resource.name, safe="", errors="replace")
    headers = {"Content-Disposition": f"{'inline' if drawn else 'attachment'}; filename*=UTF-8''{name}"}
    return Response(
        resource.content,
        media_type=drawn or "application/octet-stream",
        headers=headers | (_FRAMED if drawn == PDF else {}),
    )


def holds_pdf(resource: Resource) -> bool:
    """Whether the page has a PDF in a frame, which its policy must allow."""
    return _drawn_type(resource) == PDF


def _drawn_type(resource: Resource) -> str:
    """The media type when the browser draws it, "" otherwise; files are often kept without a type of their own."""
    guessed = mimetypes.guess_type(resource.name)[0] or ""
    named = guessed if resource.media_type == "application/octet-stream" else resource.media_type
    if named == PDF:
        return PDF if b"%PDF" in resource.content[:1024] else ""
    return named if named in DRAWN else ""


def _text(content: bytes) -> str | None:
    """The content when it is text to read."""
    if len(content) > MOST_TEXT:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _with_ids(text: str) -> str:
    """Markdown as it is written; its headings have the ids that links to them name."""
    taken: dict[str, int] = {}
    lines, is_code = [], False
    for line in text.split("\n"):
        is_code ^= line.lstrip().startswith("```")
        heading = None if is_code else _HEADING.match(line)
        if heading is None:
            lines.append(escape(line))
            continue
        own = _OWN_ID.search(heading["name"])
        slug = own[1] if own else _NOT_ID.sub("", heading["name"].lower()).replace(" ", "-")
        count = taken.get(slug, 0)
        taken[slug] = count + 1
        anchor = slug if own or not count else f"{slug}-{count}"
        lines.append(f'<b class="heading" id="{escape(anchor)}">{escape(line)}</b>')
    return "\n".join(lines)


def _size(count: int) -> str:
    return (
        f"{count} B" if count < 1024 else f"{count / 1024:.1f} KB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"
    )
