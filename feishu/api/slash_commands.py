"""The commands in the client's `/` list, kept as wanted (open.feishu.cn/document mcp_open_tools
agent-supports-slash-commands): added where they lack, described anew where they differ; others stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from feishu.api.client import FeishuClient
from feishu.api.endpoints import SLASH_COMMAND_ADD, SLASH_COMMAND_CHANGE, SLASH_COMMANDS
from feishu.errors import ApiError

EXISTS = 40000000
Done = Literal["added", "changed", "kept"]


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """`name` is written without the slash; descriptions as the list shows them."""

    name: str
    zh: str
    en: str

    @property
    def description(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"default_value": self.zh, "i18n": {"zh_cn": self.zh, "en_us": self.en}}


async def put_slash_commands(client: FeishuClient, wanted: Sequence[SlashCommand]) -> dict[str, Done]:
    """What became of each. Clients show it after some five minutes. Raises `ApiError`, `TransportError`."""
    items = (await client.call(SLASH_COMMANDS)).get("items")
    there = {str(item.get("command")): item for item in items or [] if isinstance(item, dict)}
    return {command.name: await _put(client, command, there.get(command.name)) for command in wanted}


async def _put(client: FeishuClient, command: SlashCommand, known: dict[str, Any] | None) -> Done:
    if known is None:
        try:
            await client.call(SLASH_COMMAND_ADD, json={"command": command.name, "description": command.description})
        except ApiError as error:
            if error.code != EXISTS:  # a first try whose answer was lost
                raise
        return "added"
    if known.get("description") == command.description:
        return "kept"
    path = {"command_id": str(known.get("command_id"))}
    await client.call(SLASH_COMMAND_CHANGE, path=path, json={"description": command.description})
    return "changed"
