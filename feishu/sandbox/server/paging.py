"""Pages of a listing: how many entries a call may ask for, and where the next page begins."""

from collections.abc import Sequence
from typing import Any

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call


def sized(call: Call, *, most: int, usual: int, code: int) -> int:
    """The `page_size` of a call. Raises the code for one that is none, or is above `most`."""
    asked = call.query.get("page_size", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) <= most):
        raise Refused(code, "page size is invalid", "parameters")
    return int(asked or usual)


def page(call: Call, entries: Sequence[Any], key: str, size: int, *, code: int) -> dict[str, Any]:
    """One page of a listing, whole. Raises the code for a `page_token` that was never given."""
    token = call.query.get("page_token") or "0"
    if not token.isdecimal() or int(token) > len(entries):
        raise Refused(code, "page token is invalid error", "parameters")
    end = int(token) + size
    more = {"has_more": True, "page_token": str(end)} if end < len(entries) else {"has_more": False}
    return {key: list(entries[int(token) : end]), **more}


def gapped_page(
    store: DocumentStore,
    call: Call,
    entries: Sequence[dict[str, Any]],
    key: str,
    *,
    most: int,
    at_once: int | None = None,
) -> dict[str, Any]:
    """One page of a listing that says after each that there is more, and then may have none (wiki-v2, drive-v1)."""
    asked = call.query.get("page_size", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) <= most):
        raise field_violation("page_size")
    start, _, empty = call.query.get("page_token", "0").partition("-")
    at = int(start)
    if empty:
        return {"data": {key: [], "has_more": True, "page_token": str(at)}}
    end = at + min(at_once or store.page_size, int(asked or most))
    more = {"has_more": True, "page_token": f"{end}-empty"} if end < len(entries) else {"has_more": False}
    return {"data": {key: list(entries[at:end]), **more}}
