"""Places where a test may kill the process: each lies between an effect and the note that tells of it.

`BOT_TEST_KILL_AT=after-create` kills this process with SIGKILL, as a power cut would, the first time it gets there;
`after-create:3` the third time. Nothing else reads the variable, no setting is called like it (settings begin with
`BOT__`), and a name that is not in `PLACES` keeps the program from starting. Without it `reach` does nothing.
"""

import os
import signal
from collections.abc import Mapping
from typing import Literal, get_args

Place = Literal[
    "after-accept",  # the job is stored, the platform has no 200 yet
    "after-create",  # the card exists, its id is not stored
    "before-reply",  # the card's id is stored, the card is not sent
    "after-reply",  # the card is sent, its message id is not stored
    "mid-stream",  # a part of the answer stands on the card
    "before-final",  # the answer is stored, its last frame is not sent
    "after-part",  # a part of a long answer is sent beside the card and stored, the next is not
    "before-done",  # the card is closed, the job is not
]
PLACES: tuple[str, ...] = get_args(Place)


class _Fuse:
    """What is armed, and how often its place is still to be passed."""

    place, left = "", 0


def arm(environ: Mapping[str, str] | None = None) -> None:
    """Reads the variable, once, when the bot starts. Raises SystemExit for a place that there is none of."""
    value = (os.environ if environ is None else environ).get("BOT_TEST_KILL_AT", "")
    place, _, times = value.partition(":")
    if value and (place not in PLACES or not (times or "1").isdecimal()):
        raise SystemExit(f"BOT_TEST_KILL_AT is for tests; unset it (it names none of {', '.join(PLACES)})")
    _Fuse.place, _Fuse.left = place, int(times or "1")


def reach(place: Place) -> None:
    """Says that the process has come to `place`; where a test has armed it, the process ends here and now."""
    if place == _Fuse.place:
        _Fuse.left -= 1
        if _Fuse.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
