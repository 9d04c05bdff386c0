"""One line a happening, as JSON or for a terminal; structlog and stdlib loggers (uvicorn, httpx, …) come out the same.

Ids follow by context: bind `event_id`, `job_id`, `turn_id` with `structlog.contextvars.bound_contextvars` and every
line inside carries them. Secrets and people's words are masked by `bot.observability.redaction`.
"""

import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog

from bot.observability.redaction import Masking

QUIET = (
    "httpx",
    "httpcore",
    "openai",
    "langchain",
    "langsmith",
    "mcp",
    "urllib3",
    "asyncio",
    "watchfiles",
    "uvicorn.access",
)
"""Heard from WARNING on: their lines repeat what ours say, or show addresses with people's questions in them."""

_masking = Masking()


def hide(values: Iterable[str]) -> None:
    """From now on these secret values are cut out of every line. Call with `bot.settings.secret_values(settings)`."""
    _masking.hide(values)


def configure_logs(
    level: str = "INFO",
    format: Literal["auto", "json", "console"] = "auto",
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Sets up logging for the whole process; may be called again. `stream` is standard error unless given."""
    hide(secrets)
    output = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # module-level loggers are made before this call, and tests configure again
    )
    handler = _Handler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _masking,
                _in_order,
                _renderer(format, output),
            ],
        )
    )
    _take_over(handler, level.upper())


def _in_order(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """What one looks for first stands first."""
    first = {name: line[name] for name in ("timestamp", "level", "event", "logger") if name in line}
    return first | dict(line)


def _renderer(format: str, output: TextIO) -> Any:
    if format == "json" or (format == "auto" and not output.isatty()):
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=output.isatty(),
        exception_formatter=structlog.dev.plain_traceback,  # the pretty ones print local variables
    )


def _take_over(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in [*root.handlers]:
        if isinstance(old, _Handler):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    """Python's own report of a line that cannot be formatted prints the line's arguments; this one does not."""

    def handleError(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(f"a line of logger {_masking.scrub(record.name)} could not be written\n")
        except (OSError, ValueError):
            return  # the stream is gone
