"""What is done about a refusal: ten words, and the one rule that turns them into what a streamed frame may do.

Which code calls for which remedy stands in `feishu.api.error_codes`. While an answer is streamed, frames are expendable
and the end is not: whatever would cost more than the next frame waits for the end.
"""

from enum import Enum


class Remedy(Enum):
    """What to do about a refused call."""

    WAIT = "wait, then try again"
    """Rates, interactions, outages: after the seconds the platform names, else after growing waits."""
    NEW_SEQUENCE = "take a new sequence"
    """Leave a gap and write again: somebody else has written to the card."""
    REOPEN = "reopen the stream"
    """Streaming mode ended by itself: open it again, then the newest text."""
    DROP_FRAME = "drop the frame"
    """This element takes no streamed text: leave it alone until the end, go on with the others."""
    FULL_UPDATE = "finish by full update"
    """No more frames: the whole card at the end brings the text."""
    REPAIR = "repair the card, try again"
    """Its content or form is refused: the same answer on a simpler card."""
    PLAIN_TEXT = "plain text"
    """No card can hold it: the same answer as a text message."""
    NEW_MESSAGE = "a new message with the whole answer"
    """This card can never be written again, but the person can still be reached."""
    LATER = "keep it as a debt"
    """An admin has to mend something (credentials, IP list, quota, a muted group): nothing can be said now."""
    STOP = "stop silently"
    """Recalled, deleted, dissolved, or we may not speak there: nobody waits for it any more."""


def while_streaming(remedy: Remedy) -> Remedy:
    """The remedy for a frame: content is not repaired under the reader's eyes, the end does that."""
    return Remedy.FULL_UPDATE if remedy in (Remedy.REPAIR, Remedy.PLAIN_TEXT) else remedy


def at_the_end(remedy: Remedy) -> Remedy:
    """The remedy for the closing calls: they carry the whole card, so what only concerns frames means a simpler card,
    and a stream that is closed is what they want."""
    if remedy in (Remedy.DROP_FRAME, Remedy.FULL_UPDATE):
        return Remedy.REPAIR
    return Remedy.WAIT if remedy is Remedy.REOPEN else remedy
