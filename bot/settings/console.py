"""Where in the developer console an app's settings are found: addresses of its pages, Feishu's or Lark's.

The pages are those that the platform's own messages link to (`/auth?q=…` comes with error 99991672).
"""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote, urlsplit

from feishu.settings import PLATFORM_HOSTS, FeishuSettings

Page = Literal["auth", "baseinfo", "bot", "event", "safe", "version"]

NAMES: dict[Page, str] = {
    "auth": "Permissions & Scopes (权限管理)",
    "baseinfo": "Credentials & Basic Info (凭证与基础信息)",
    "bot": "Add Features › Bot (添加应用能力 › 机器人)",
    "event": "Events & Callbacks (事件与回调)",
    "safe": "Security Settings (安全设置)",
    "version": "Version Management & Release (版本管理与发布)",
}


def console(feishu: FeishuSettings) -> str:
    """The list of apps; Feishu's where the settings name a sandbox."""
    host = urlsplit(feishu.base_url).hostname or ""
    return f"https://{host if host in PLATFORM_HOSTS else PLATFORM_HOSTS[0]}/app"


def page(feishu: FeishuSettings, name: Page) -> str:
    """The address of one page of the app; the list of apps while there is no App ID."""
    return f"{console(feishu)}/{quote(feishu.app_id)}/{name}" if feishu.app_id else console(feishu)


def grant_page(feishu: FeishuSettings, scopes: Sequence[str]) -> str:
    """The address at which just these scopes can be ticked, for the app itself (not for its users)."""
    if not feishu.app_id:
        return console(feishu)
    return f"{page(feishu, 'auth')}?q={quote(','.join(scopes), safe=':,')}&op_from=openapi&token_type=tenant"
