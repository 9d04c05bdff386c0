"""From a verified event to the handler of its kind."""

from collections.abc import Callable

from bot.handlers.acknowledgement import Ack
from bot.handlers.card_actions import CardActionHandler
from bot.handlers.chat_events import ChatEventHandler
from bot.handlers.document_events import DocumentEventHandler
from bot.handlers.messages import MessageHandler
from bot.inbox.worker import Worker
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import ARRIVED, REFUSED, Arrivals
from feishu.events.types import CardAction, DocumentChanged, Event, MessageReceived, PeopleChanged, Unknown


class EventRouter:
    """Each event becomes a durable fact before it is acknowledged."""

    def __init__(
        self,
        messages: MessageHandler,
        card_actions: CardActionHandler,
        chat_events: ChatEventHandler,
        document_events: DocumentEventHandler,
        worker: Worker,
        metrics: Metrics,
        arrivals: Arrivals,
    ) -> None:
        self._messages = messages
        self._card_actions = card_actions
        self._chat_events = chat_events
        self._document_events = document_events
        self._worker = worker
        self._metrics = metrics
        self._arrivals = arrivals

    async def admit(self, event: Event) -> Ack:
        """Raises `StoreError` when the store cannot take it: the platform is then told to deliver again."""
        kind = "other"
        match event:
            case MessageReceived():
                kind, ack = "im.message.receive_v1", await self._messages.take(event)
            case CardAction():
                kind, ack = "card.action.trigger", await self._card_actions.take(event)
            case DocumentChanged():
                ack = Ack({}, self._after(await self._document_events.take(event), None))
            case PeopleChanged():
                self._document_events.forget_people(event)
                ack = Ack({})
            case Unknown():
                self._metrics.event_received(event.event_type, "ignored")
                ack = Ack({})
            case _:
                wakes, stops = await self._chat_events.take(event)
                ack = Ack({}, self._after(wakes, stops))
        self._arrivals.note(f"{ARRIVED}{kind}")
        return ack

    def refused(self, reason: str) -> None:
        """A request was not proven to be the platform's; `reason` is a key of `feishu.events.webhook.HINTS`."""
        if reason:
            self._arrivals.note(f"{REFUSED}{reason}")

    def _after(self, wakes: bool, stops: int | None) -> Callable[[], None] | None:
        def work() -> None:
            if stops is not None:
                self._worker.stop_job(stops, by="recalled")
            self._worker.wake()

        return work if wakes or stops is not None else None
