"""`feishu-rag doctor`: is everything there that an answer needs? Real calls, one finding a part, each with its fix.

All parts are looked at side by side within one limit of time; what could not be looked at is a finding of its own,
never a green one. Heavy imports happen inside the checks. No finding shows a secret, and no check can keep the others
from running.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding, as_json, exit_code, render, summary
from bot.errors import SettingsError
from bot.observability.redaction import Masking
from bot.settings import Settings, require_platform, secret_values

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "as_json", "examine", "exit_code", "masked", "render", "summary", "unreadable"]

LIMIT_S = 5.0
MARGIN_S = 0.4
"""Of the limit, for putting the findings together."""
CALL_SHARE = 0.6
"""Of it, for one call to the platform: a check makes some, and a call that fails is no check that was broken off."""

Check = Callable[[Settings], Awaitable[list[Finding]]]


async def examine(settings: Settings, *, limit_s: float = LIMIT_S) -> list[Finding]:
    """All findings within `limit_s`, in the order in which a person would put things right. Never raises.

    A thread that a check has left behind (a model that is still loading, a host that does not answer) may go on.
    """
    within_s = max(limit_s - MARGIN_S, limit_s / 2)
    checks = _checks(within_s)
    results = await asyncio.gather(*(_run(name, check, settings, within_s) for name, check in checks.items()))
    return masked([finding for result in results for finding in result], settings)


def _checks(within_s: float) -> dict[str, Check]:
    from bot.doctor.access import check_access, check_chats, check_links
    from bot.doctor.files import check_knowledge
    from bot.doctor.host import check_disk, check_versions
    from bot.doctor.library import check_library
    from bot.doctor.long_connection import check_long_connection
    from bot.doctor.machine import check_reading, check_store
    from bot.doctor.models import check_model, check_pictures, check_rerank
    from bot.doctor.platform import check_platform
    from bot.doctor.ports import check_ports
    from bot.doctor.rights import check_rights
    from bot.doctor.webhook import check_own_url

    call_s = CALL_SHARE * within_s
    return {
        "settings": check_settings,
        "platform": partial(check_platform, call_s=call_s),
        "webhook": check_own_url,
        "long connection": partial(check_long_connection, call_s=call_s),
        "knowledge": check_knowledge,
        "links": partial(check_links, call_s=call_s),
        "library": partial(check_library, load_s=within_s - 0.3),
        "model": check_model,
        "pictures": check_pictures,
        "rerank": check_rerank,
        "reading": check_reading,
        "access": check_access,
        "chats": partial(check_chats, call_s=call_s),
        "rights": partial(check_rights, call_s=call_s),
        "store": check_store,
        "disk": check_disk,
        "ports": check_ports,
        "versions": check_versions,
    }


def masked(findings: "Sequence[Finding]", settings: Settings) -> list[Finding]:
    """The findings without any secret of the settings."""
    masking = Masking()
    masking.hide(secret_values(settings))
    return [Finding(f.name, f.state, masking.scrub(f.detail), masking.scrub(f.fix)) for f in findings]


def unreadable(error: SettingsError) -> list[Finding]:
    """The findings when settings cannot even be read: one for each problem, and nothing else is checked."""
    problems = (error, *error.others)
    return [
        Finding("settings", "fail", " ".join(filter(None, (problem.source, problem.key, problem.what))), problem.fix)
        for problem in problems
    ]


async def check_settings(settings: Settings) -> list[Finding]:
    """They were read; are those there that `serve` needs?"""
    try:
        require_platform(settings)
    except SettingsError as error:
        return unreadable(error)
    return [Finding("settings", "ok", "read, and nothing that serve needs is missing")]


async def _run(name: str, check: Check, settings: Settings, longest_s: float) -> "Sequence[Finding]":
    try:
        async with asyncio.timeout(longest_s):
            return await check(settings)
    except TimeoutError:
        fix = "feishu-rag doctor --timeout 60 waits longer; see what keeps it waiting"
        return [Finding(name, "unknown", f"not looked at: no result within {longest_s:g} s", fix)]
    except Exception as error:  # a doctor that falls ill tells so, and the other checks go on
        return [Finding(name, "fail", f"the check itself failed: {type(error).__name__}: {error}", "report this")]
