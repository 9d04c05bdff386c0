"""What a stored job is about to do for whom: asked of the policy again when it runs, by the rules of that time."""

from bot.inbox.queue import Job
from bot.intake.policy import Attempt, Deed, Forbidden, Policy
from bot.job import PRESSED_KINDS
from bot.payloads import (
    PAYLOADS,
    AnswerPayload,
    AskPersonPayload,
    AskReasonPayload,
    ContinuePayload,
    MenuPayload,
    PressedPayload,
    WelcomePayload,
)


def refusal_of(job: Job, policy: Policy) -> Forbidden | None:
    """Why a job may not be done, by the rules of now and the hour at which it was accepted."""
    attempt = attempt_of(job)
    return policy.refusal(attempt, job.created_at) if attempt else None


def attempt_of(job: Job) -> Attempt | None:
    """None for work that nobody has to be allowed: a redraw, a recall, a refusal, the weekly card, a look at documents;
    and where the last version stored too little of it."""
    payload = PAYLOADS[job.kind].of(job)
    match payload:
        case AnswerPayload(message=message):
            return Attempt("question", message.sender_open_id, message.chat_id, message.chat_type)
        case PressedPayload(by=by):
            deed: Deed = "continue" if isinstance(payload, ContinuePayload) else "regenerate"
            return Attempt(deed, by, job.chat_id, payload.chat_type, payload.asker or by)
        case AskPersonPayload():
            return Attempt("person", job.asker, job.chat_id, payload.chat_type) if job.asker else None
        case AskReasonPayload():
            return Attempt("reason", payload.open_id, payload.chat_id, payload.chat_type)
        case WelcomePayload():
            return Attempt("welcome", payload.person, payload.chat_id, payload.chat_type)
        case MenuPayload():
            return Attempt("menu", payload.open_id, "", "p2p")
        case _:
            return None


def is_begun(job: Job) -> bool:
    """Whether there is a card by now that the job has to close, whatever becomes of it."""
    return job.is_resumed if job.kind in PRESSED_KINDS else bool(job.turn_id)
