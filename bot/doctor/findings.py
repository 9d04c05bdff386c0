"""What the doctor finds: one line each, with the fix."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table

State = Literal["ok", "warn", "fail", "unknown"]

_SIGNS: dict[State, tuple[str, str]] = {
    "ok": ("✔", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✘", "bold red"),
    "unknown": ("?", "cyan"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`warn`: the bot works, but less well than it could. `fail`: something people will notice. `unknown`: this was not
    looked at, and why. `fix` is "" when ok."""

    name: str
    state: State
    detail: str
    fix: str = ""


def ago(at: float) -> str:
    """How long ago something was (epoch seconds)."""
    passed_s = max(0.0, time.time() - at)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if passed_s >= 2 * size:
            return f"{passed_s / size:.0f} {unit} ago"
    return f"{passed_s:.0f} s ago"


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when anything failed; 2 when nothing did, but something was not looked at; warnings alone are 0."""
    states = {finding.state for finding in findings}
    return 1 if "fail" in states else 2 if "unknown" in states else 0


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """For programs: the findings, and the exit code that they come to."""
    told = [{"name": f.name, "state": f.state, "detail": f.detail, "fix": f.fix} for f in findings]
    return {"exit_code": exit_code(findings), "findings": told}


def summary(findings: Sequence[Finding]) -> str:
    """How many of each kind, in one line."""
    words: dict[State, str] = {"fail": "failed", "unknown": "not looked at", "warn": "warnings", "ok": "fine"}
    counts = {state: sum(finding.state == state for finding in findings) for state in words}
    return ", ".join(f"{count} {words[state]}" for state, count in counts.items() if count)


def render(findings: Sequence[Finding]) -> "Table":
    """A table for the terminal; nothing in it is read as markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("", "checked", "found", "what to do"):
        table.add_column(title, overflow="fold", no_wrap=title in ("", "checked"))
    for finding in findings:
        sign, style = _SIGNS[finding.state]
        table.add_row(
            Text(sign, style),
            Text(finding.name, style),
            Text(finding.detail),
            Text(finding.fix, "bold" if style else ""),
        )
    return table
