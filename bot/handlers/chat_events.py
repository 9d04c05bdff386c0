"""Events around messages become durable facts: a vote by emoji, a question taken back, a welcome, a menu's entry."""

from typing import assert_never

from bot.handlers.votes import Votes
from bot.inbox.queue import Jobs
from bot.intake.policy import Attempt, Policy
from bot.intake.refusals import Refusals
from bot.job import MenuPayload, NewJob, OverBound, RecalledPayload, WelcomePayload
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.votes import Vote
from feishu.clock import Clock
from feishu.events.types import BotAdded, ChatEvent, MenuUsed, PrivateChatEntered, Reacted, Recalled

VOTES: dict[str, Vote] = {"THUMBSUP": "up", "ThumbsDown": "down"}


class ChatEventHandler:
    """Takes chat events from those whom the policy allows them. Each method gives whether there is work for the worker
    now. A message may be taken back by anybody: the platform does not say by whom, and nothing is begun."""

    def __init__(
        self,
        jobs: Jobs,
        ledger: ChatFacts,
        votes: Votes,
        metrics: Metrics,
        policy: Policy,
        refusals: Refusals,
        *,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._refusals = refusals
        self._clock = clock
        self._jobs = jobs
        self._ledger = ledger
        self._votes = votes
        self._metrics = metrics

    async def take(self, event: ChatEvent) -> tuple[bool, int | None]:
        """Whether to wake the worker, and a job to stop. Raises `StoreError`."""
        match event:
            case Reacted():
                return await self._react(event), None
            case Recalled():
                return await self._recall(event)
            case BotAdded():
                return await self._welcome(event, event.chat_id, "group", ""), None
            case PrivateChatEntered():
                return await self._welcome(event, event.chat_id, "p2p", event.operator_open_id), None
            case MenuUsed():
                return await self._use_menu(event), None
            case _:
                assert_never(event)

    async def _accept(self, job: NewJob) -> bool:
        fresh = await self._jobs.accept(job)
        self._metrics.event_received(job.kind, "accepted" if fresh else "duplicate")
        return fresh

    def _is_allowed(self, attempt: Attempt) -> bool:
        why = self._policy.refusal(attempt, self._clock.time())
        if why:
            self._metrics.refused(attempt.deed, why)
            self._metrics.event_received(attempt.deed, "refused")
        return why is None

    async def _use_menu(self, event: MenuUsed) -> bool:
        person = event.operator_open_id
        attempt = Attempt("menu", person, "", "p2p")
        if why := self._policy.refusal(attempt, self._clock.time()):
            return await self._refusals.of_menu(event, why)
        payload, keys = MenuPayload(person, event.key), (f"event:{event.event_id}",)
        try:
            return await self._accept(
                self._policy.priced(NewJob(event.app_id, "menu", f"menu/{person}", payload, keys), attempt)
            )
        except OverBound as error:
            return await self._refusals.of_menu(event, error.bound)

    async def _welcome(self, event: ChatEvent, chat_id: str, chat_type: str, person: str) -> bool:
        """Once a chat, however often somebody enters it."""
        if not self._is_allowed(Attempt("welcome", person, chat_id, chat_type)):
            return False
        if await self._ledger.noted(event.app_id, f"welcome:{chat_id}"):
            self._metrics.event_received("welcome", "ignored")
            return False
        payload = WelcomePayload(chat_id, chat_type, person)
        keys = (f"event:{event.event_id}", f"welcome:{chat_id}")
        return await self._accept(NewJob(event.app_id, "welcome", f"welcome/{chat_id}", payload, keys))

    async def _recall(self, event: Recalled) -> tuple[bool, int | None]:
        await self._ledger.recall(event.app_id, event.message_id)
        job_id = await self._jobs.ask_to_stop_message(event.app_id, event.message_id, by="recalled")
        payload, keys = RecalledPayload(event.message_id), (f"event:{event.event_id}",)
        job = NewJob(event.app_id, "recalled", f"recalled/{event.message_id}", payload, keys)
        return await self._accept(job), job_id

    async def _react(self, event: Reacted) -> bool:
        """👍 and 👎 on an answer's card are votes on the version that it shows."""
        vote = VOTES.get(event.emoji)
        found = None
        if vote and event.operator_type == "user" and event.operator_open_id:
            found = await self._ledger.turn_of_card(event.app_id, (event.message_id,))
        if not vote or not found or not found[1]:
            self._metrics.event_received("reaction", "ignored")
            return False
        return await self._votes.react(event, vote, found[1])
