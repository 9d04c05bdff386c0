"""Which messages become work: a person's, in a private chat, or in a group when it mentions this bot itself."""

from dataclasses import dataclass

from feishu.events import MessageReceived, mentions_bot


@dataclass(frozen=True, slots=True)
class Admitted:
    """It becomes a job. `undecided`: our own open_id is not known yet, so the worker has to look at the mentions."""

    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """It does not; `why` is a metric label."""

    why: str


Verdict = Admitted | Ignored


def judge(message: MessageReceived, *, bot_open_id: str | None) -> Verdict:
    """Decides without I/O. A bot or an app never gets an answer, so two bots cannot talk each other to death."""
    if message.sender_type != "user":
        return Ignored("not_a_person")
    if message.chat_type == "p2p":
        return Admitted()
    if not message.mentions:
        return Ignored("not_mentioned")
    if bot_open_id is None:
        return Admitted(undecided=True)
    return Admitted() if mentions_bot(message, bot_open_id) else Ignored("not_mentioned")
