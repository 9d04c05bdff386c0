"""Opens a long connection as `serve` does, has a ping answered, and closes it: only where events come that way."""

from bot.doctor.findings import Finding
from bot.settings import Settings

LONGEST_S = 5.0
"""For the endpoint's answer, and for the pong."""


async def check_long_connection(settings: Settings) -> list[Finding]:
    """One more connection of the app for a moment: an event that comes to it is refused, and delivered again 15 s
    later."""
    feishu = settings.feishu
    if feishu.transport != "websocket":
        return []
    if not feishu.app_id or not feishu.app_secret.get_secret_value():
        return [Finding("long connection", "warn", "not tried: App ID or App Secret is not set", "see settings above")]
    from feishu.api.client import FeishuClient
    from feishu.errors import FeishuError
    from feishu.long_connection.probe import try_connection

    client = FeishuClient(feishu.model_copy(update={"timeout_s": min(feishu.timeout_s, LONGEST_S)}))
    try:
        terms = await try_connection(client, feishu, within_s=LONGEST_S)
    except FeishuError as error:
        return [Finding("long connection", "fail", str(error), _fix(error, feishu.base_url))]
    finally:
        await client.aclose()
    told = f"opened, and a ping was answered; the platform asks for one every {terms.ping_interval_s:g} s"
    return [Finding("long connection", "ok", told)]


def _fix(error: Exception, base_url: str) -> str:
    from bot.handlers.long_connection import fix_of
    from feishu.errors import FeishuError, ServerError, Timeout, Unreachable

    if isinstance(error, FeishuError) and (fix := fix_of(error)):
        return fix
    if isinstance(error, ServerError):
        return "the platform is busy: try again in a minute"
    if isinstance(error, Unreachable | Timeout):
        return (
            f"see that this machine reaches {base_url}, and by wss:// the host that it names for connections "
            "(firewall, a proxy that lets no WebSocket through, HTTPS_PROXY)"
        )
    return f"see what answers in place of {base_url}: a proxy or a login page, perhaps"
