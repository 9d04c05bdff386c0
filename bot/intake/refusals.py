"""What is refused is told kindly: a click by a toast, all else by a sentence, which comes once in a while only.

The sentence is a job of its own, so that the webhook waits for no call to the platform, and one that fails is tried
again. However many messages are refused, one such job is stored in `BOUND_AGAIN_S`.
"""

from bot.inbox.queue import Jobs
from bot.intake.policy import Deed, Refusal
from bot.intake.replies import Replier
from bot.job import Job, NewJob, RefusePayload
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import ChatFacts
from bot.texts import Texts
from feishu.clock import Clock
from feishu.events.types import MenuUsed, MessageReceived

BOUND_AGAIN_S = 60.0
MOST_REMEMBERED = 1_000
AGAIN_S = {"quiet_hours": 12 * 3600.0, "not_for_you": None, "not_here": None}
"""Seconds until the same is said again; None for never."""


class Refusals:
    """Has refusals told; which were lately is known without asking the store."""

    def __init__(self, jobs: Jobs, metrics: Metrics, *, clock: Clock) -> None:
        self._jobs = jobs
        self._metrics = metrics
        self._clock = clock
        self._told_at: dict[str, float] = {}

    async def of_message(
        self, message: MessageReceived, deed: Deed, why: Refusal, *, is_undecided: bool = False
    ) -> bool:
        """Whether a sentence is to be said now. Nothing is said to what was only overheard. Raises `StoreError`."""
        self._metrics.refused(deed, why)
        key = refusal_key(why, message.chat_id, message.sender_open_id)
        if deed == "overheard" or not self._is_due(key):
            return False
        payload = RefusePayload(why, message, undecided=is_undecided)
        return await self._store(message.app_id, key, message.event_id, payload)

    async def of_menu(self, event: MenuUsed, why: Refusal) -> bool:
        """The same for an entry of the menu."""
        self._metrics.refused("menu", why)
        key = refusal_key(why, "", event.operator_open_id)
        if not self._is_due(key):
            return False
        return await self._store(event.app_id, key, event.event_id, RefusePayload(why, open_id=event.operator_open_id))

    async def _store(self, app_id: str, key: str, event_id: str, payload: RefusePayload) -> bool:
        return await self._jobs.accept(NewJob(app_id, "refuse", key, payload, (f"event:{event_id}",)))

    def _is_due(self, key: str) -> bool:
        now = self._clock.monotonic()
        if len(self._told_at) >= MOST_REMEMBERED:
            self._told_at = {each: at for each, at in self._told_at.items() if now - at < BOUND_AGAIN_S}
        if now - self._told_at.get(key, -BOUND_AGAIN_S) < BOUND_AGAIN_S:
            return False
        self._told_at[key] = now
        return True


class Refusing:
    """Tells a person, or a chat where its own bound is reached, in words."""

    def __init__(self, voice: Replier, ledger: ChatFacts, *, clock: Clock) -> None:
        self._voice = voice
        self._ledger = ledger
        self._clock = clock

    async def reply(self, job: Job, message: MessageReceived, why: Refusal, wording: Texts) -> None:
        """Below the message. Raises `FeishuError`; then it is still to be said."""
        key = refusal_key(why, message.chat_id, message.sender_open_id)
        if await self._is_to_be_said(job.app_id, key, why):
            await self._voice.reply(job, message, words_for(why, wording))
            await self._ledger.note(job.app_id, key)

    async def tell(self, job: Job, person: str, why: Refusal, wording: Texts) -> None:
        """In private, where there was no message. Raises `FeishuError`."""
        key = refusal_key(why, "", person)
        if await self._is_to_be_said(job.app_id, key, why):
            await self._voice.tell(person, words_for(why, wording), uuid=f"refuse-{job.app_id[-20:]}-{job.id}")
            await self._ledger.note(job.app_id, key)

    async def _is_to_be_said(self, app_id: str, key: str, why: Refusal) -> bool:
        again_s = AGAIN_S.get(why, BOUND_AGAIN_S)
        since = 0.0 if again_s is None else self._clock.time() - again_s
        return not await self._ledger.noted(app_id, key, since=since)


def refusal_key(why: Refusal, chat_id: str, person: str) -> str:
    """Of what is said once: to everybody where a chat is at its bound, else to each person in each chat."""
    is_of_chat = why in ("too_many_here", "too_many_waiting_here")
    return f"refused:{why}:{chat_id}" if is_of_chat else f"refused:{why}:{chat_id}:{person}"


def words_for(why: Refusal, wording: Texts) -> str:
    """The sentence."""
    return str(getattr(wording, f"refused_{why}"))
