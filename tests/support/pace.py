"""A writer's pace: what a model does between two pieces of its text."""

import asyncio
from collections.abc import AsyncIterator


async def pieces(text: str, *, chars: int, every_s: float) -> AsyncIterator[str]:
    """The text so far, longer by `chars` each time."""
    for end in range(chars, len(text) + chars, chars):
        yield text[:end]
        await asyncio.sleep(every_s)
