"""`feishu-rag doctor`: is everything there that an answer needs? Real calls, one finding a part, each with its fix.

Heavy imports happen inside the checks. No finding shows a secret, and no check can keep the others from running.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding, exit_code, render
from bot.errors import SettingsError
from bot.observability.redaction import Masking
from bot.settings import Settings, require_platform, secret_values

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "examine", "exit_code", "render", "unreadable"]

LONGEST_CHECK_S = 90.0

Check = Callable[[Settings], Awaitable[list[Finding]]]


async def examine(settings: Settings, *, longest_check_s: float = LONGEST_CHECK_S) -> list[Finding]:
    """All findings, in the order in which a person would put things right. Never raises."""
    from bot.doctor.access import check_access, check_chats, check_links
    from bot.doctor.library import check_knowledge, check_library
    from bot.doctor.long_connection import check_long_connection
    from bot.doctor.machine import check_ports, check_reading, check_store
    from bot.doctor.platform import check_platform

    checks: dict[str, Check] = {
        "settings": check_settings,
        "platform": check_platform,
        "long connection": check_long_connection,
        "knowledge": check_knowledge,
        "links": check_links,
        "library": check_library,
        "reading": check_reading,
        "access": check_access,
        "chats": check_chats,
        "store": check_store,
        "ports": check_ports,
    }
    results = await asyncio.gather(*(_run(name, check, settings, longest_check_s) for name, check in checks.items()))
    masking = Masking()
    masking.hide(secret_values(settings))
    return [
        Finding(found.name, found.state, masking.scrub(found.detail), masking.scrub(found.fix))
        for result in results
        for found in result
    ]


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
        return [Finding(name, "fail", f"no result within {longest_s:g} s", "try again; see what keeps it waiting")]
    except Exception as error:  # a doctor that falls ill tells so, and the other checks go on
        return [Finding(name, "fail", f"the check itself failed: {type(error).__name__}: {error}", "report this")]
