"""What a stored job is about to do for whom: asked of the policy again when it runs, by the rules of that time."""

from bot.inbox.queue import Job
from bot.intake.intake import message_of
from bot.intake.policy import Attempt, Forbidden, Policy
from bot.job import PRESSED_KINDS


def refusal_of(job: Job, policy: Policy) -> Forbidden | None:
    """Why a job may not be done, by the rules of now and the hour at which it was accepted."""
    attempt = attempt_of(job)
    return policy.refusal(attempt, job.created_at) if attempt else None


def attempt_of(job: Job) -> Attempt | None:
    """None for work that nobody has to be allowed: a redraw, a recall, a refusal, the weekly card; and where the last
    version stored too little of it."""
    given = {name: str(value) for name, value in job.payload.items() if isinstance(value, str)}
    chat_type = given.get("chat_type", "group")
    if job.kind == "answer":
        message = message_of(job)
        return Attempt("question", message.sender_open_id, message.chat_id, message.chat_type)
    if job.kind == "regenerate" or job.kind == "continue":
        return Attempt(job.kind, given["by"], job.chat_id, chat_type, given.get("asker", given["by"]))
    if job.kind == "ask_person":
        return Attempt("person", job.asker, job.chat_id, chat_type) if job.asker else None
    if job.kind == "ask_reason":
        return Attempt("reason", given["open_id"], given["chat_id"], chat_type)
    if job.kind == "welcome":
        return Attempt("welcome", given.get("person", ""), given["chat_id"], chat_type)
    if job.kind == "menu":
        return Attempt("menu", given["open_id"], "", "p2p")
    return None


def is_begun(job: Job) -> bool:
    """Whether there is a card by now that the job has to close, whatever becomes of it."""
    return job.is_resumed if job.kind in PRESSED_KINDS else bool(job.turn_id)
