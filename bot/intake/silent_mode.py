"""How sure the documents are of an answer, for chats where the bot speaks up by itself."""

from dataclasses import dataclass

from bot.access import Access
from feishu.events.types import MessageReceived
from rag.errors import RagError
from rag.knowledge_base import KnowledgeBase


@dataclass(frozen=True, slots=True)
class SilentMode:
    """Asked of every message of such a chat that mentions nobody."""

    library: KnowledgeBase
    access: Access

    async def confidence(self, text: str, message: MessageReceived) -> float:
        """That of strong evidence; 0 for any other, and where nothing can be searched."""
        scope = self.access.in_chat(message.chat_id, message.chat_type, message.sender_open_id)
        try:
            found = await self.library.search(text, scope)
        except RagError:
            return 0.0
        return found.confidence if found.evidence == "strong" else 0.0
