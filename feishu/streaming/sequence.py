"""The number every write to a card carries: strictly rising, and never above what was durably reserved."""

import asyncio
from collections.abc import Awaitable, Callable

from feishu.api.cardkit import MAX_SEQUENCE


class Sequence:
    """Numbers for one card. After a crash, start again at the reserved ceiling: gaps are fine, repeats are refused
    with 300317 (open.feishu.cn/document cardkit-v1)."""

    def __init__(
        self, start: int = 0, *, reserve: Callable[[int], Awaitable[None]] | None = None, block: int = 100
    ) -> None:
        """`start` is the last number used or reserved. `reserve(ceiling)` stores durably that numbers up to `ceiling`
        may have been used; it is awaited before the first of them is."""
        self._last = start
        self._ceiling = start
        self._reserve = reserve
        self._block = block
        self._turn = asyncio.Lock()

    @property
    def last(self) -> int:
        """The last number given out."""
        return self._last

    async def next(self) -> int:
        """The next number. Raises what `reserve` raises, and OverflowError when the card has no numbers left."""
        async with self._turn:
            while self._reserve is not None and self._last >= self._ceiling:
                ceiling = min(self._last + self._block, MAX_SEQUENCE)
                if ceiling <= self._last:
                    break
                await self._reserve(ceiling)
                self._ceiling = ceiling  # a jump may have come meanwhile: look again
            if self._last >= MAX_SEQUENCE:
                raise OverflowError("the card has no sequence numbers left")
            self._last += 1
            return self._last

    def jump(self, by: int) -> None:
        """Leave a gap: somebody else wrote to the card, and it is not known how far they got."""
        self._last = min(self._last + by, MAX_SEQUENCE)
