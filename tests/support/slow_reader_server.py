"""A web door in a process of its own, whose memory can be watched: `python -m tests.support.slow_reader_server FOLDER`.

`长` is answered without end, anything else with `TOKENS` pieces. The send buffer is small, so that a reader who takes
nothing is felt after a few kilobytes and not after megabytes. Prints its address; ends when standard input does.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from rag.events import AnswerEvent, Delta, Finished
from tests.support.scripted_library import PASSAGES, ScriptedLibrary, passages
from tests.support.web_door import web_door

TOKENS = 200
SEND_BUFFER_BYTES = 32_768


async def endless() -> AsyncGenerator[AnswerEvent, None]:
    yield passages(*PASSAGES)
    while True:
        yield Delta("长" * 300)
        await asyncio.sleep(0)


async def plain() -> AsyncGenerator[AnswerEvent, None]:
    yield passages(*PASSAGES)
    for _ in range(TOKENS):
        yield Delta("好的，")
        await asyncio.sleep(0.002)
    yield Finished("好的，" * TOKENS, "answered", (1,), "m", None, 0.5)


async def main(folder: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    library = ScriptedLibrary()
    library.otherwise = plain
    library.on("长", endless)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        async with web_door(library, folder, listener=listener) as door:
            sys.stdout.write(f"{door.url}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
