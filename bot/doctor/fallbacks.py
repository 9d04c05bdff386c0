"""Answers that went another way in the last days, as the store counts them, and what to do about each way."""

from typing import TYPE_CHECKING

from bot.doctor.calls import SCOPE_MISSING
from bot.doctor.findings import Finding, State

if TYPE_CHECKING:
    from bot.repositories.fallbacks import Fallback, Way
    from bot.storage.database import Database

DAYS = 7

_SCOPE = "grant cardkit:card:write in the console, Permissions & Scopes (权限管理), and release a version"
_CONTENT = "look the codes up in docs/errors.md; where they name no setting of yours, report them with a log id"
_FILTER = (
    "the platform's content rules or your organisation's DLP refuse it: see them with the tenant's admin; the answers "
    "are kept, and the admin page shows them"
)
_DOWN = "the platform refused to write cards for longer than feishu.debt_s: see its status page and the codes"

# What people met, whether it is more than a curiosity, and what to do.
_WAYS: "dict[Way, tuple[str, State, str]]" = {
    "raw_card": ("came on a plain card that does not stream", "warn", "see what refuses card_create in /metrics"),
    "new_card": ("got a new card, because the old one was gone or older than 14 days", "ok", ""),
    "repaired": ("came without markup, because their card was refused", "warn", _CONTENT),
    "plain_text": ("came as a text, because no card was taken", "warn", _CONTENT),
    "new_message": ("came as a new message, because their card could not be written", "warn", _DOWN),
    "neutral_close": ("left a card that says the answer stands below", "ok", ""),
    "withheld": ("were refused in every shape, and people were told so", "warn", _FILTER),
    "unsaid": ("could not even be refused in words", "warn", _FILTER),
}


async def fallback_findings(database: "Database") -> list[Finding]:
    """One line for each way that was taken. Raises `StoreError`."""
    from bot.repositories.fallbacks import DeliveryFallbacks

    taken: dict[Way, list[Fallback]] = {}
    for each in await DeliveryFallbacks(database=database).of_days(DAYS):
        taken.setdefault(each.way, []).append(each)
    if not taken:
        return [Finding("fallbacks", "ok", f"every answer of the last {DAYS} days came on its card as designed")]
    return [_finding(way, counted) for way, counted in taken.items()]


def _finding(way: "Way", counted: "list[Fallback]") -> Finding:
    what, state, fix = _WAYS[way]
    codes = [f"{each.code} ({each.count})" for each in counted if each.code]
    why = f"; codes {', '.join(codes)}" if codes else ""
    if state == "warn" and any(each.code == SCOPE_MISSING for each in counted):
        fix = _SCOPE
    count = sum(each.count for each in counted)
    return Finding(f"fallback {way}", state, f"{count} in {DAYS} days {what}{why}", fix)
