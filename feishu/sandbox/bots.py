"""What other bots do: they write, also to each other."""

from feishu.sandbox.contents import text_mentions
from feishu.sandbox.people import card_in
from feishu.sandbox.platform import Platform
from feishu.sandbox.world import Message


def write_as_bot(
    platform: Platform, app_id: str, chat_id: str, content: str, *, kind: str = "text", reply_to: str = ""
) -> Message:
    """Post a message as an app's bot, without its token: as a bot does whose program nobody here has. A text mentions
    by `<at user_id="ou_…"></at>`; the content of a card is its JSON. Raises KeyError for an unknown app or message."""
    world = platform.world
    app = world.apps[app_id]
    message = Message(world.new_id("om_"), chat_id, app.app_id, "app", kind, content, platform.now())
    if kind == "interactive":
        message.card = card_in(content)
    else:
        message.mentions = text_mentions(world, content)
    if reply_to:
        world.put_below(message, world.messages[reply_to], in_thread=False)
    platform.deliver(message)
    return message
