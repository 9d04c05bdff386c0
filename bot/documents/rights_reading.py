"""The rights of the documents that the settings' links lead to, as the platform has them now."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from bot.models import ON_FEISHU
from bot.settings import Settings
from feishu.api.client import FeishuClient
from feishu.documents.links import target_of
from feishu.documents.listing import Documents, Page
from feishu.documents.rights import Rights, RightsReader
from feishu.errors import FeishuError

log = structlog.get_logger(__name__)
AT_ONCE = 8
"""Documents whose rights are read side by side; the client keeps to the platform's limits."""


@dataclass(slots=True)
class RightsFound:
    """Pages with their rights, by their source. `is_whole`: every link could be walked through, so that what is not
    here is not there any more. `failed` are documents whose rights could not be read this time."""

    found: dict[str, tuple[Page, Rights]] = field(default_factory=dict)
    is_whole: bool = True
    failed: int = 0


async def rights_of_links(settings: Settings, client: FeishuClient) -> RightsFound:
    """Walks through all links. Raises `FeishuError` where nothing at all could be read."""
    documents = Documents(client)
    pages: dict[str, Page] = {}
    is_whole = True
    for _, link in settings.links():
        target = target_of(link)
        if target is None:
            continue
        try:
            items = [item async for item in documents.walk(target)]
            found = await documents.dated([item for item in items if isinstance(item, Page)])
        except FeishuError as error:
            log.warning("rights_not_listed", link=link, reason=str(error))
            is_whole = False
            continue
        is_whole = is_whole and not any(item.lost_listing for item in items if not isinstance(item, Page))
        for page in found:
            known = pages.get(page.token)
            if known is None or (page.node and not known.node):  # of a page in a wiki more is known
                pages[page.token] = page
    read = await rights_of(pages.values(), settings, client)
    read.is_whole = is_whole
    return read


async def rights_of(pages: Iterable[Page], settings: Settings, client: FeishuClient) -> RightsFound:
    """The rights of these pages. Raises `FeishuError` where those of none could be read."""
    reader = RightsReader(client, by_link=settings.bot.access.link_shared)
    pages = list(pages)
    reader.learn(pages)
    gate, result, errors = asyncio.Semaphore(AT_ONCE), RightsFound(), list[FeishuError]()

    async def read(page: Page) -> None:
        async with gate:
            try:
                result.found[f"{ON_FEISHU}{page.token}"] = page, await reader.of(page)
            except FeishuError as error:
                errors.append(error)

    await asyncio.gather(*(read(page) for page in pages))
    if errors and not result.found:
        raise errors[0]
    if errors:
        log.warning("rights_not_read", documents=len(errors), reason=str(errors[0]))
    result.failed = len(errors)
    return result
