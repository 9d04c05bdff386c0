"""A local Feishu open platform over real HTTP, with a chat page: the real API, its rules, and faults on demand.

    sandbox = Sandbox(SandboxSettings(webhook_url="http://127.0.0.1:8000/feishu/webhook"))
    async with running(sandbox) as url:
        said = await sandbox.say("oc_product", "ou_linxiaoman", "出差回来多久内要报销？", mention_bot=True)

GET / is the chat page, /open-apis/… the platform, /sandbox/… the control API (see `feishu.sandbox.server.control`).
"""

from feishu.sandbox.clients.clicks import Shown, Unpressable
from feishu.sandbox.clock import SandboxClock
from feishu.sandbox.faults import Fault
from feishu.sandbox.journal import Entry
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.sandbox import Said, Sandbox
from feishu.sandbox.server.app import running
from feishu.sandbox.settings import DEFAULT_SCOPES, AppSettings, ConnectionSettings, SandboxSettings

__all__ = [
    "DEFAULT_SCOPES",
    "AppSettings",
    "ConnectionSettings",
    "Entry",
    "Fault",
    "Impossible",
    "Said",
    "Sandbox",
    "SandboxClock",
    "SandboxSettings",
    "Shown",
    "Unpressable",
    "running",
]
