"""One writer at a time for a turn's card.

Its jobs stand in lines of their own (an answer in its conversation's, a redrawing in the card's), which do not keep
them apart: both would use the same sequence numbers, and the older card could stay on the newer one.
"""

import asyncio
from weakref import WeakValueDictionary


class CardLocks:
    """Among the jobs of this process. Another replica may still write meanwhile: who redraws looks again afterwards."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, turn_id: str) -> asyncio.Lock:
        """Held by whoever writes to the card of this turn."""
        lock = self._locks.get(turn_id)
        if lock is None:
            lock = self._locks[turn_id] = asyncio.Lock()
        return lock
