"""Asks to be told of a document's changes (drive-v1 file/subscribe). Only an owner or manager may: for all other
documents their times are looked at."""

from collections.abc import Sequence

from feishu.api.client import FeishuClient
from feishu.api.endpoints import FILE_SUBSCRIBE
from feishu.documents.listing import Page
from feishu.documents.refusals import why_refused
from feishu.errors import ApiError

NO_MANAGER = 1069603


async def subscribe(client: FeishuClient, pages: Sequence[Page]) -> int:
    """Subscribes to what the app manages; the number of those. Ends at once where the scope `docs:event:subscribe` is
    missing. Raises `TransportError`."""
    told = 0
    for page in pages:
        try:
            await client.call(FILE_SUBSCRIBE, path={"file_token": page.token}, params={"file_type": page.kind})
        except ApiError as error:
            if why_refused(error) == "scope":
                return told
            continue
        told += 1
    return told
