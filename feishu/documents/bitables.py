"""Bitables: the tables of a base, their columns, and every record with the names of its columns.

Records are read one by one, not by an export: each has a link of its own, and formulas come with their values. Sources:
open.feishu.cn/document bitable-v1/{app,app-table,app-table-field,app-table-record}.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from feishu.api.client import FeishuClient
from feishu.api.endpoints import BITABLE, BITABLE_FIELDS, BITABLE_RECORDS, BITABLE_TABLES
from feishu.documents.bitable_values import ATTACHMENT, LINK, TWO_WAY, Field, Sight, field_of, link_ids, shown, zone_of
from feishu.documents.listing import Page
from feishu.documents.paging import entries
from feishu.documents.parts import Anchor, Attached, Part, Pieces, Records
from feishu.documents.refusals import reason_of
from feishu.errors import ApiError

MOST_RECORDS = 50_000
"""More than the platform says that a table may have (20 000, code 1254103)."""
MOST_ATTACHMENTS = 50
TOO_LARGE_ANSWER = 1254030
RECORDS_AT_ONCE, FEWEST_AT_ONCE = 500, 20
_LISTED = {"page_size": "100"}

Json = dict[str, Any]


@dataclass(slots=True)
class _Table:
    id: str
    name: str
    fields: list[Field] = field(default_factory=list)
    records: list[Json] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


class Bitables:
    """Reads bases as one app."""

    def __init__(self, client: FeishuClient, *, include_hidden: bool = False) -> None:
        self._client = client
        self._include_hidden = include_hidden

    async def content(self, page: Page) -> Pieces:
        """All tables of a base, or the one that the page names. Raises `FeishuError`."""
        base, notes = await self._base(page.token)
        tables, more = await self._tables(page.token)
        wanted = [table for table in tables if table.id == page.part] or tables
        return _content(wanted, tables, base, [*notes, *more])

    async def table(self, token: str, table_id: str) -> Pieces:
        """One table, as documents have them inside. Raises `FeishuError`."""
        return await self.content(Page(token, "", "", "", "bitable", part=table_id))

    async def _base(self, token: str) -> tuple[Json, list[str]]:
        """What is known of the base itself. Its own scope may be missing: only the time zone is then guessed."""
        try:
            reply = await self._client.call(BITABLE, path={"app_token": token})
        except ApiError as error:
            if reason_of(error) is None:
                raise
            return {}, []
        base = reply.get("app")
        base = base if isinstance(base, dict) else {}
        closed = (
            "has advanced permissions: only the records that the app may see were read; make it a manager of the base"
        )
        return base, [closed] if base.get("is_advanced") is True else []

    async def _tables(self, token: str) -> tuple[list[_Table], list[str]]:
        path = {"app_token": token}
        listed = [each async for each in entries(self._client, BITABLE_TABLES, "items", params=_LISTED, path=path)]
        tables, notes = [], []
        for item in listed:
            table = _Table(str(item.get("table_id", "")), str(item.get("name", "")))
            try:
                notes += await self._fill(token, table)
            except ApiError as error:
                reason = reason_of(error)
                if reason is None:
                    raise
                notes.append(f"the table {table.name} was not read: {reason}")
                continue
            tables.append(table)
        return tables, notes

    async def _fill(self, token: str, table: _Table) -> list[str]:
        """Reads columns and records; what was left out."""
        path = {"app_token": token, "table_id": table.id}
        columns = entries(self._client, BITABLE_FIELDS, "items", params=_LISTED, path=path)
        found = [field_of(each) async for each in columns]
        table.fields = [each for each in found if self._include_hidden or not each.is_hidden]
        hidden = ", ".join(each.name for each in found if each.is_hidden)
        notes = (
            [f"hidden fields left out in the table {table.name}: {hidden}"] if len(table.fields) < len(found) else []
        )
        async for record in self._records(path):
            if len(table.records) >= MOST_RECORDS:
                return [*notes, f"only the first {MOST_RECORDS} records of the table {table.name} were read"]
            table.records.append(record)
        return notes

    async def _records(self, path: dict[str, str]) -> AsyncIterator[Json]:
        """Every record; in smaller pages where an answer was too large, from where it stopped."""
        size, token = RECORDS_AT_ONCE, ""
        seen: set[str] = set()
        while True:
            params = {"page_size": str(size)} | ({"page_token": token} if token else {})
            try:
                reply = await self._client.call(BITABLE_RECORDS, path=path, params=params, json={})
            except ApiError as error:
                if error.code != TOO_LARGE_ANSWER or size <= FEWEST_AT_ONCE:
                    raise
                size = max(FEWEST_AT_ONCE, size // 4)
                continue
            for record in reply.get("items") or []:
                if isinstance(record, dict):
                    yield record
            token = str(reply.get("page_token") or "")
            if not reply.get("has_more") or not token or token in seen:
                return
            seen.add(token)


def _content(wanted: list[_Table], tables: list[_Table], base: Json, notes: list[str]) -> Pieces:
    by_id = {table.id: table for table in tables}
    sight = Sight(zone_of(str(base.get("time_zone") or "")), lambda table, record: _name(by_id, table, record))
    for table in tables:
        _name_records(table, Sight(sight.zone))
    parts: list[Part] = []
    for table in wanted:
        records = _records_of(table, sight)
        if records.rows:
            parts.append(records)
    if _links_outside(wanted, by_id):
        notes = [*notes, "some linked records are in tables that were not read, and are only counted"]
    files = [file for table in wanted for file in _attached(table)]
    if len(files) > MOST_ATTACHMENTS:
        notes = [
            *notes,
            f"{len(files) - MOST_ATTACHMENTS} attachments are named and not read: only {MOST_ATTACHMENTS} are",
        ]
    return Pieces((*parts, *files[:MOST_ATTACHMENTS]), tuple(notes))


def _name_records(table: _Table, sight: Sight) -> None:
    primary = next((column for column in table.fields if column.is_primary), None)
    for record in table.records:
        values = _values(record)
        name = shown(values.get(primary.name), primary, sight) if primary else ""
        table.names[str(record.get("record_id", ""))] = name


def _name(tables: dict[str, _Table], table: str, record: str) -> str:
    """Ids of records are unique in a base: a link that does not say its table is looked for in all."""
    if table in tables:
        return tables[table].names.get(record, "")
    return next((each.names[record] for each in tables.values() if each.names.get(record)), "")


def _records_of(table: _Table, sight: Sight) -> Records:
    columns = sorted(table.fields, key=lambda column: not column.is_primary)
    rows = []
    for record in table.records:
        values = _values(record)
        pairs = ((column.name, shown(values.get(column.name), column, sight)) for column in columns)
        told = tuple((name, value) for name, value in pairs if value)
        if told:
            rows.append((_anchor(table, record), told))
    return Records(table.name, tuple(rows), Anchor("table", table.name, table.id))


def _anchor(table: _Table, record: Json) -> Anchor:
    record_id = str(record.get("record_id", ""))
    link = str(record.get("record_url") or "")
    return Anchor("record", table.names.get(record_id) or table.name, f"{table.id}/{record_id}", link)


def _attached(table: _Table) -> list[Attached]:
    """The files in the records, to be read after them."""
    columns = [column.name for column in table.fields if column.kind == ATTACHMENT]
    found = []
    for record in table.records:
        values, anchor = _values(record), _anchor(table, record)
        for column in columns:
            files = values.get(column)
            for file in files if isinstance(files, list) else []:
                if isinstance(file, dict) and file.get("file_token"):
                    found.append(_file(file, f"{anchor.name} · {column}", anchor))
    return found


def _file(file: Json, title: str, anchor: Anchor) -> Attached:
    is_picture = str(file.get("type", "")).startswith("image/")
    asked = parse_qs(urlsplit(str(file.get("url") or "")).query)
    return Attached(
        "picture" if is_picture else "file",
        str(file["file_token"]),
        str(file.get("name") or "file"),
        "media",
        extra=next(iter(asked.get("extra") or ()), ""),
        title=title,
        anchor=anchor,
    )


def _links_outside(wanted: list[_Table], tables: dict[str, _Table]) -> bool:
    for table in wanted:
        links = [column for column in table.fields if column.kind in (LINK, TWO_WAY)]
        for record in table.records:
            values = _values(record)
            for column in links:
                target = str(column.looks.get("table_id") or "")
                if any(not _name(tables, target, each) for each in link_ids(values.get(column.name))):
                    return True
    return False


def _values(record: Json) -> Json:
    values = record.get("fields")
    return values if isinstance(values, dict) else {}
