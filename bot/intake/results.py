"""What a message comes to: a question, nothing, or pictures that say nothing; and the message that it replies to."""

from dataclasses import dataclass

from bot.models import LeftOut


@dataclass(frozen=True, slots=True)
class NoQuestion:
    """The message begins no turn; why, for the job's record."""

    why: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what came with it: the words of an image, a forward, the message it replies to. A question
    without words of its own is what came with it. While it is `unread` pictures are missing in it, and its text may be
    a stand-in; `MessageIntake.look` gives it whole. `left_out` is what came with it and could not be read."""

    text: str
    read_text: str = ""
    unread: bool = False
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageUnreadable:
    """The pictures asked for nothing: what to say about it, and whether it was we who failed. `why` names the reason
    beside a question that stands without them (`bot.models.LeftOut`)."""

    said: str
    by_us: bool = False
    why: str = "not_readable"


@dataclass(frozen=True, slots=True)
class Quote:
    """What the message replied to says, with its author's name; `unread` while its pictures or its file are missing in
    that, `trouble` on what stood in their way, and `left_out` what is not read. A quoted `file` needs a question."""

    words: str = ""
    unread: bool = False
    trouble: ImageUnreadable | None = None
    left_out: tuple[LeftOut, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of the links of a message. `text` is the message with names in their place; `said` are sentences on
    those that could not be read, `left_out` the same beside a question; `titles` are what was read, `partly` those of
    which something is missing."""

    text: str
    titles: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
