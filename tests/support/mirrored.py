"""Rights as the bot mirrors them from a sandbox, for tests that hold them against what people there may open."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.access.audience import Audiences
from bot.documents.rights_reading import rights_of_links
from bot.models import ON_FEISHU
from bot.settings import Settings
from bot.settings.models import BotSettings
from feishu.api.client import FeishuClient
from feishu.clock import SystemClock
from feishu.documents.rights import Rights
from feishu.sandbox import Sandbox
from feishu.settings import FeishuSettings
from rag.access_lists import AccessLists
from rag.settings import RagSettings


@dataclass
class Mirror:
    """One app's view of a sandbox: the rights of all that its links lead to, and who its readers are."""

    client: FeishuClient
    settings: Settings
    audiences: Audiences
    rights: dict[str, Rights]
    lists: AccessLists

    @classmethod
    async def of(cls, sandbox: Sandbox, base_url: str, *links: str) -> "Mirror":
        """Reads everything once."""
        app = sandbox.settings
        feishu = FeishuSettings.model_validate(
            {"app_id": app.app_id, "app_secret": app.app_secret, "base_url": base_url}
        )
        bot = BotSettings.model_validate({"access": {"rights": "mirror"}})
        settings = Settings(feishu=feishu, rag=RagSettings(links=list(links)), bot=bot)
        client = FeishuClient(feishu)
        audiences = Audiences(client, bot.access, lambda: mirror.lists, SystemClock())
        mirror = cls(client, settings, audiences, {}, AccessLists({}, controlled=ON_FEISHU, version=""))
        await mirror.look()
        return mirror

    async def look(self) -> None:
        """Reads the rights again."""
        found = (await rights_of_links(self.settings, self.client)).found
        self.rights = {source.removeprefix(ON_FEISHU): rights for source, (_, rights) in found.items()}
        readers = {f"{ON_FEISHU}{token}": rights.readers for token, rights in self.rights.items()}
        self.lists = AccessLists(readers, controlled=ON_FEISHU, version="again")

    async def shown(self, chat_id: str, chat_type: str, person: str, tokens: Iterable[str]) -> set[str]:
        """Which of these documents an answer there may come from."""
        await self.audiences.know(chat_id, chat_type, person)
        audience = self.audiences.of(chat_id, chat_type, person)
        return {token for token in tokens if self.lists.shows(audience, f"{ON_FEISHU}{token}")}
