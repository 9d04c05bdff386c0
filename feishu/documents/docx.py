"""A document (docx) as pieces: its blocks written as Markdown, with what is embedded at its place.

The platform's own Markdown export leaves out pictures, sheets, bitables and synced references and has no block ids (its
example, docs-v1/content/get, shows empty sections there); it is used where the app may not read blocks.
"""

from collections.abc import Mapping

from feishu.api.client import FeishuClient
from feishu.api.endpoints import DOCUMENT_MARKDOWN, USERS
from feishu.documents.block_writer import BlockWriter
from feishu.documents.blocks import Block, all_blocks, body_of, people_in
from feishu.documents.parts import Pieces, Text
from feishu.documents.refusals import reason_of, why_refused
from feishu.errors import ApiError, BadReply, FeishuError

PEOPLE_AT_ONCE = 50
_WITHOUT_BLOCKS = (
    "links to it open at its beginning, and pictures, files, sheets and bitables in it were not read, since its blocks "
    "cannot be read"
)


class DocumentReader:
    """Reads documents as one app."""

    def __init__(self, client: FeishuClient) -> None:
        self._client = client

    async def content(self, token: str) -> Pieces:
        """The pieces of a document; what is embedded in it is still to be read. Raises `FeishuError`."""
        try:
            found = await all_blocks(self._client, token)
        except ApiError as error:
            if why_refused(error) not in ("scope", "no_access"):
                raise
            text = await self.markdown(token)
            return Pieces((Text(text),), (f"{_WITHOUT_BLOCKS}: {reason_of(error)}",))
        synced = await self._synced(token, found)
        everything = {key: block for others in (*synced.values(), found) for key, block in others.items()}
        return BlockWriter(found, synced, await self._names(people_in(everything))).content()

    async def markdown(self, token: str) -> str:
        """The platform's own export. Raises `FeishuError`."""
        params = {"doc_token": token, "doc_type": "docx", "content_type": "markdown", "lang": "zh"}
        reply = await self._client.call(DOCUMENT_MARKDOWN, params=params)
        content = reply.get("content")
        if not isinstance(content, str):
            raise BadReply("no content in the answer", endpoint=DOCUMENT_MARKDOWN.name)
        return content

    async def _synced(self, token: str, found: Mapping[str, Block]) -> dict[str, dict[str, Block]]:
        """The blocks of the other documents whose synced blocks stand in this one; none for those that are closed."""
        references = (body_of(block, "reference_synced") for block in found.values())
        others = {str(each.get("source_document_id") or "") for each in references} - {"", token}
        synced: dict[str, dict[str, Block]] = {token: dict(found)}
        for other in sorted(others):
            try:
                synced[other] = await all_blocks(self._client, other)
            except ApiError as error:
                if reason_of(error) is None:
                    raise
        return synced

    async def _names(self, people: set[str]) -> dict[str, str]:
        """Names by open id, as far as the app may see them: a document can be read without."""
        found: dict[str, str] = {}
        wanted = sorted(people)
        for at in range(0, len(wanted), PEOPLE_AT_ONCE):
            asked = wanted[at : at + PEOPLE_AT_ONCE]
            try:
                reply = await self._client.call(USERS, params={"user_id_type": "open_id", "user_ids": asked})
            except FeishuError:
                return found
            items = [each for each in reply.get("items") or [] if isinstance(each, dict)]
            found |= {str(each.get("open_id", "")): str(each.get("name") or "") for each in items if each.get("name")}
        return found
