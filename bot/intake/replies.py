"""The bot's voice beside its cards: replies, messages to a chat or a person, mentions."""

from bot.job import Job
from feishu.api.messages import Content, Messages, Sent, card_content, harmless, text_content
from feishu.cards.elements import Card
from feishu.encoding import to_text
from feishu.events.types import MessageReceived


class Replier:
    """Says things once, however often a job runs (within the platform's hour). Raises `FeishuError`."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def reply(self, job: Job, message: MessageReceived, text: str) -> None:
        """Answers a message in words; in its topic when it has one."""
        uuid = f"say-{job.app_id[-20:]}-{job.id}"
        await self._messages.reply(message.message_id, text_content(text), uuid=uuid, chat_id=message.chat_id)

    async def send(self, chat_id: str, text: str, *, uuid: str) -> None:
        """Says something in a chat."""
        await self._messages.send(chat_id, text_content(text), uuid=uuid)

    async def tell(self, open_id: str, content: Content | str, *, uuid: str) -> Sent:
        """Says something to a person in private."""
        content = text_content(content) if isinstance(content, str) else content
        return await self._messages.send(open_id, content, uuid=uuid, receive_id_type="open_id")

    async def show(self, receive_id: str, card: Card, *, uuid: str) -> None:
        """Sends a card to a chat."""
        await self._messages.send(receive_id, card_content(card), uuid=uuid)

    async def mention(self, message_id: str, open_ids: tuple[str, ...], text: str, *, uuid: str, chat_id: str) -> Sent:
        """Answers a message, mentioning people."""
        return await self._messages.reply(message_id, mentioning(open_ids, text), uuid=uuid, chat_id=chat_id)


def mentioning(open_ids: tuple[str, ...], text: str) -> Content:
    """A text that mentions people; whatever else looks like markup in it is harmless."""
    marks = " ".join(f'<at user_id="{open_id}"></at>' for open_id in open_ids)
    return Content("text", to_text({"text": f"{marks} {harmless(text)}".strip()}))
