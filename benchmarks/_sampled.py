"""`feishu-rag serve` with a sampler in it, for `benchmarks/whole.py --parts`: where the event loop's CPU time is spent.

Every 2 ms of the process's CPU time the main thread's stack is looked at; the innermost of our packages on it is the
part, or the library where none of ours is. Other threads (store, search) are told by their own CPU time, by name. What
was spent since the start is written at each SIGUSR1.
"""

import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.002
OURS = ("bot", "feishu", "rag")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
REPOSITORY = str(Path(__file__).parent.parent)
found: Counter[str] = Counter()


def sample(_number: int, frame: FrameType | None) -> None:
    outermost = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(REPOSITORY):
            parts = Path(file).relative_to(REPOSITORY).with_suffix("").parts
            if parts[0] in OURS and parts[1] != "cli":
                found[".".join(parts[:3])] += 1
                return
        elif "site-packages/" in file and not outermost:
            outermost = file.partition("site-packages/")[2].split("/")[0]
        frame = frame.f_back
    found[f"({outermost or 'python'})"] += 1


def thread_seconds() -> dict[str, float]:
    """CPU seconds of the other threads, by their names."""
    spent: Counter[str] = Counter()
    for thread in threading.enumerate():
        if thread is threading.main_thread() or thread.native_id is None:
            continue
        try:
            fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent[f"thread {thread.name.rstrip('0123456789_-')}"] += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return dict(spent)


def write(at: Path) -> None:
    main_s = {name: count * EVERY_S for name, count in found.items()}
    text = at.with_suffix(".part")
    text.write_text(json.dumps({**main_s, **thread_seconds()}))
    text.rename(at)  # whoever waits for it reads a whole file


if __name__ == "__main__":
    from bot.cli.commands import main
    from bot.server import serve_doors

    target = Path(sys.argv[1])
    serving = serve_doors

    async def sampled(*doors: object, **how: object) -> None:
        signal.signal(signal.SIGPROF, sample)
        signal.signal(signal.SIGUSR1, lambda _number, _frame: write(target))
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
        await serving(*doors, **how)  # type: ignore[arg-type]

    import bot.serve

    bot.serve.serve_doors = sampled  # type: ignore[assignment]
    sys.argv = ["feishu-rag", "serve"]
    main()
