"""What the doctor finds: one line each, with the fix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

State = Literal["ok", "warn", "fail"]

_SIGNS: dict[State, tuple[str, str]] = {"ok": ("✔", "green"), "warn": ("!", "yellow"), "fail": ("✘", "bold red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """`warn`: the bot works, but less well than it could. `fail`: something people will notice. `fix` is "" when ok."""

    name: str
    state: State
    detail: str
    fix: str = ""


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when anything failed; warnings alone are 0."""
    return int(any(finding.state == "fail" for finding in findings))


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
