"""`feishu-rag doctor` in a terminal, or as JSON."""

import sys
from pathlib import Path

import orjson
from rich.text import Text

from bot.cli.terminal import open_console, show
from bot.doctor import Finding, as_json, examine, exit_code, masked, render, summary, unreadable
from bot.errors import SettingsError
from bot.observability.logs import configure_logs
from bot.settings import Settings, load_settings


async def run_doctor(config: Path | None, *, limit_s: float, wait_s: float = 0.0, json: bool = False) -> int:
    """Prints the findings; gives the exit code."""
    configure_logs("CRITICAL")  # what is wrong is a finding
    try:
        settings = load_settings(config)
    except SettingsError as error:
        findings = unreadable(error)
    else:
        findings = await examine(settings, limit_s=limit_s)
        if wait_s:
            findings = await _with_an_event(findings, settings, wait_s)
    if json:
        sys.stdout.buffer.write(orjson.dumps(as_json(findings), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        print_findings(findings)
    return exit_code(findings)


async def _with_an_event(findings: list[Finding], settings: Settings, wait_s: float) -> list[Finding]:
    """The findings, with what came while we waited in the place of what the store tells."""
    from bot.doctor.waiting import wait_for_event

    open_console(to_stderr=True).print(Text(f"Waiting {wait_s:g} s for an event: write to the bot now.", "bold"))
    heard = await wait_for_event(settings, wait_s)
    return [*masked([heard], settings), *(finding for finding in findings if finding.name != "events")]


def print_findings(findings: list[Finding]) -> None:
    """As a table, and how many of each kind."""
    out = open_console()
    show(render(findings), out)
    out.print(Text(summary(findings), "bold"))
