"""A page of any kind as its pieces, and the bytes of those that are still to be read."""

from dataclasses import replace

from feishu.api.client import FeishuClient
from feishu.clock import Clock
from feishu.documents.bitables import Bitables
from feishu.documents.docx import DocumentReader
from feishu.documents.downloads import Downloads
from feishu.documents.listing import Page
from feishu.documents.parts import Attached, Embedded, Part, Pieces, Records
from feishu.documents.refusals import reason_of
from feishu.documents.sheets import Sheets
from feishu.errors import ApiError


class PagePieces:
    """Reads pages as one app. Everything raises `FeishuError`; `refusals.reason_of` words what is about access."""

    def __init__(self, client: FeishuClient, *, include_hidden: bool = False, clock: Clock | None = None) -> None:
        self._downloads = Downloads(client, clock=clock)
        self._documents = DocumentReader(client)
        self._sheets = Sheets(client, self._downloads, include_hidden=include_hidden)
        self._bitables = Bitables(client, include_hidden=include_hidden)

    async def content(self, page: Page) -> Pieces:
        """The page's pieces."""
        match page.kind:
            case "docx":
                return await self._with_embedded(await self._documents.content(page.token))
            case "sheet":
                return await self._sheets.content(page)
            case "bitable":
                return await self._bitables.content(page)
            case "doc":
                file_token = await self._downloads.export(page.token, "doc", "docx")
                return Pieces((Attached("file", file_token, f"{page.title or 'document'}.docx", "export"),))
            case "file":
                return Pieces((Attached("file", page.token, page.title or "file", "file"),))

    async def download(self, attached: Attached, *, most_bytes: int) -> bytes | None:
        """The bytes of a piece; None when there are more than `most_bytes`."""
        return await self._downloads.content(attached, most_bytes=most_bytes)

    async def _with_embedded(self, content: Pieces) -> Pieces:
        """The document with the sheets and tables in it; what is closed to the app is noted, the rest stands."""
        parts: list[Part] = []
        notes = list(content.notes)
        for part in content.parts:
            if not isinstance(part, Embedded):
                parts.append(part)
                continue
            try:
                found = await self._embedded(part)
            except ApiError as error:
                if (reason := reason_of(error)) is None:
                    raise
                notes.append(f"a {part.kind} in it was not read: {reason}")
                continue
            parts += [_standing_at(each, part) for each in found.parts]
            notes += found.notes
        return Pieces(tuple(parts), tuple(dict.fromkeys(notes)))

    async def _embedded(self, part: Embedded) -> Pieces:
        read = self._sheets.sheet if part.kind == "sheet" else self._bitables.table
        return await read(part.token, part.part)


def _standing_at(part: Part, embedded: Embedded) -> Part:
    """The piece with its place in the document, which is the block that it stands in; records keep their own links."""
    if isinstance(part, Records):
        rows = tuple((anchor if anchor.link else embedded.anchor or anchor, row) for anchor, row in part.rows)
        return replace(part, rows=rows, anchor=embedded.anchor)
    return replace(part, anchor=embedded.anchor)
