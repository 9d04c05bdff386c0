"""Opens a long connection as `serve` does, has a ping answered, and closes it: only where events come that way."""

from bot.doctor.calls import LONGEST_CALL_S, hurried_client
from bot.doctor.findings import Finding
from bot.settings import Settings


async def check_long_connection(settings: Settings, *, call_s: float = LONGEST_CALL_S) -> list[Finding]:
    """One more connection of the app for a moment: an event that comes to it is refused, and delivered again 15 s
    later. `call_s` is for the endpoint's answer, and for the pong."""
    if settings.feishu.transport != "websocket":
        return []
    from feishu.errors import FeishuError
    from feishu.long_connection.probe import try_connection

    async with hurried_client(settings, call_s) as client:
        if client is None:
            found = "not tried: App ID or App Secret is not set"
            return [Finding("long connection", "warn", found, "see settings above")]
        try:
            terms = await try_connection(client, settings.feishu, within_s=call_s)
        except FeishuError as error:
            return [Finding("long connection", "fail", str(error), _fix(error, settings.feishu.base_url))]
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
