"""Bitables: bases, tables, fields and records (bitable-v1). Their refusals come with HTTP 200."""

from collections.abc import Callable, Sequence
from typing import Any

from feishu.sandbox.document_store import Bitable, Table
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window

BITABLE_WINDOW = Window(20, 1.0)
MOST_RECORDS, MOST_LISTED = 500, 100


def base(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /bitable/v1/apps/:app_token."""
    found = _base(platform, call)
    token = call.path["app_token"]
    app = {"app_token": token, "name": platform.documents.titles[token][1], "revision": 1}
    return {"data": {"app": app | {"is_advanced": found.is_advanced, "time_zone": found.time_zone}}}


def tables(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /bitable/v1/apps/:app_token/tables."""
    listed = [{"table_id": each.table_id, "revision": 1, "name": each.name} for each in _base(platform, call).tables]
    return _paged(platform, call, listed, MOST_LISTED)


def fields(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /bitable/v1/apps/:app_token/tables/:table_id/fields."""
    return _paged(platform, call, _table(platform, call).fields, MOST_LISTED)


def records(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /bitable/v1/apps/:app_token/tables/:table_id/records/search: none of a base with advanced permissions that
    the app does not manage."""
    table, token = _table(platform, call), call.path["app_token"]
    is_closed = platform.documents.bases[token].is_advanced and token not in platform.documents.managed
    listed = [] if is_closed else table.records
    url = "https://sandbox.feishu.cn/record/"
    items = [{"record_id": each, "fields": values, "record_url": url + each} for each, values in listed]
    return _paged(platform, call, items, MOST_RECORDS)


def _base(platform: Platform, call: Call) -> Bitable:
    refusal: Callable[[float], Refused] = lambda wait_s: Refused(  # noqa: E731
        1254290, "TooManyRequest", "bitable_rate", 200
    )
    platform.rates.take(("bitable", call.app.app_id, call.name), BITABLE_WINDOW, refusal)
    token = call.path["app_token"]
    platform.require(call.app, token, 91403)
    if token not in platform.documents.bases:
        raise Refused(1254040, "BaseTokenNotFound", None, 200)
    return platform.documents.bases[token]


def _table(platform: Platform, call: Call) -> Table:
    for table in _base(platform, call).tables:
        if table.table_id == call.path["table_id"]:
            return table
    raise Refused(1254041, "TableIdNotFound", None, 200)


def _paged(platform: Platform, call: Call, items: Sequence[dict[str, Any]], most: int) -> dict[str, Any]:
    asked = call.query.get("page_size", "20")
    if not (asked.isdecimal() and 0 < int(asked) <= most):
        raise Refused(1254011, "Page size must greater than 0.", "parameters", 400)
    start = int(call.query.get("page_token") or 0)
    end = start + min(int(asked), max(platform.documents.page_size, 1))
    more = {"has_more": True, "page_token": str(end)} if end < len(items) else {"has_more": False}
    return {"data": {"items": list(items[start:end]), "total": len(items), **more}}
