"""Why the platform does not give a document, in words that say what to do about it; and the scopes that reading needs.

Codes: open.feishu.cn/document wiki-v2, drive-v1, docx-v1, docs-v1, sheets-v3, bitable-v1, export_task.
"""

import re
from typing import Literal

from feishu.api.endpoints import EXPORT_STATE
from feishu.errors import ApiError

SCOPE_MISSING = frozenset({99991672, 99991679})
NO_ACCESS = frozenset(
    {403, 91403, 131006, 970003, 1061004, 1063002, 1069902, 1254302, 1254303, 1310213, 1770032, 2889902}
)
GONE = frozenset(
    {
        404,
        131005,
        970005,
        1061003,
        1061007,
        1069906,
        1069914,
        1254003,
        1254004,
        1254040,
        1254041,
        1310214,
        1310249,
        1770002,
        1770003,
        2889906,
        2889914,
    }
)
TOO_LARGE = 2889925
ADVANCED = 1254302
Why = Literal["scope", "no_access", "gone", "too_large"]
_NAMED_SCOPES = re.compile(r"\[([a-z][\w:.\-]*(?:\s*,\s*[a-z][\w:.\-]*)*)\]")
_EXPORTS = {
    107: "is too large to be exported",
    108: "took the platform too long to export",
    109: "has parts that the app may not export; share them with the app, too",
    110: "may not be exported by the app; give it the right to export, or allow copies for readers",
    122: "may not be copied or exported, by its own settings",
    6000: "has too many pictures to be exported",
}
"""What an export's job ends with (`job_status` of export_tasks/:ticket)."""
_SENTENCES: dict[Why, str] = {
    "no_access": "the app has no access; share it with the app, and check its scopes",
    "gone": "is not there any more",
    "too_large": "is larger than the platform exports (10 MB)",
}


def why_refused(error: ApiError) -> Why | None:
    """Which reason it is; None when it is not about this document."""
    if error.code in SCOPE_MISSING:
        return "scope"
    if error.code in NO_ACCESS:
        return "no_access"
    if error.code in GONE:
        return "gone"
    return "too_large" if error.code == TOO_LARGE else None


def reason_of(error: ApiError) -> str | None:
    """The reason in words; None when it is not about this document."""
    if error.endpoint == EXPORT_STATE.name and error.code in _EXPORTS:
        return _EXPORTS[error.code]
    why = why_refused(error)
    if why == "scope":
        return f"the app lacks a scope: add {scopes_named(error) or 'it'} in the console, then release a version"
    if error.code == ADVANCED:
        return "has advanced permissions: make the app a manager of it, or its records stay closed"
    return _SENTENCES[why] if why else None


def scopes_named(error: ApiError) -> str:
    """The scopes of which one is missing, as the platform names them; "" where it does not."""
    found = _NAMED_SCOPES.search(error.message)
    return " or ".join(name.strip() for name in found[1].split(",")) if found else ""
