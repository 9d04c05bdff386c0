"""Rights of documents: whether they are mirrored, how old they are, what is closed and why, each with the fix."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.doctor.calls import LONGEST_CALL_S, RELEASE, fix_of, hurried_client
from bot.doctor.findings import Finding, ago
from bot.settings import Settings
from bot.settings.console import NAMES, grant_page, page
from feishu.errors import ApiError, FeishuError

if TYPE_CHECKING:
    from bot.repositories.document_rights import StoredRights
    from bot.storage.database import Database
    from feishu.api.client import FeishuClient
    from feishu.documents.rights import Closed

HOUR_S = 3600.0
ROOT = "0"
OUT_OF_RANGE = frozenset({40004, 40014})
EXAMPLES = 3
_ALL = (
    "set the contact range (通讯录权限范围) to all members, which an administrator approves: "
    f"{NAMES['auth']} › data permissions (数据权限)"
)


async def check_rights(settings: Settings, *, call_s: float = LONGEST_CALL_S) -> list[Finding]:
    """What an admin decides: that rights are mirrored, and that the app sees who its readers are. Nothing without links
    to Feishu."""
    if not any(settings.links()):
        return []
    if settings.bot.access.rights != "mirror":
        found = "rag.links lead to Feishu, and everybody who sees their collection sees every page, whoever may open it"
        fix = "bot.access.rights: mirror (BOT__ACCESS__RIGHTS=mirror) answers from what the readers may open"
        return [Finding("rights", "warn", found, f"{fix}; leave it off only where all of it is for everybody")]
    async with hurried_client(settings, call_s) as client:
        if client is None:
            fix = "set FEISHU__APP_ID and its secret"
            return [Finding("rights", "fail", "rights cannot be mirrored without an app: every page is closed", fix)]
        return [await _contact_range(client, settings)]


async def _contact_range(client: "FeishuClient", settings: Settings) -> Finding:
    """The platform shows the root department to apps alone that may see everybody; of the others it lists what they
    may. Sources: open.feishu.cn/document contact-v3/department/get, contact-v3/scope/list."""
    from feishu.api.endpoints import DEPARTMENT

    try:
        await client.call(DEPARTMENT, path={"department_id": ROOT})
    except ApiError as error:
        if error.code in OUT_OF_RANGE:
            return await _limited(client, settings)
        return Finding("rights", "unknown", f"contact range: not looked at ({error})", fix_of(error, settings.feishu))
    except FeishuError as error:
        return Finding("rights", "unknown", f"contact range: not looked at ({error})", "see token above")
    return Finding("rights", "ok", "mirrored; the app may see everybody in the organisation")


async def _limited(client: "FeishuClient", settings: Settings) -> Finding:
    from feishu.api.endpoints import CONTACT_RANGE

    try:
        reply = await client.call(CONTACT_RANGE, params={"page_size": "100"})
    except FeishuError:
        seen = "a part of the organisation"
    else:
        keys = (("departments", "department_ids"), ("people", "user_ids"), ("user groups", "group_ids"))
        more = " and more" if reply.get("has_more") else ""
        seen = ", ".join(f"{len(reply.get(key) or [])} {name}" for name, key in keys) + more
    lost = "whoever is outside counts as a stranger, and rights of departments and user groups outside open nothing"
    fix = f"{_ALL} ({page(settings.feishu, 'auth')}), {RELEASE}"
    return Finding("rights", "warn", f"the app's contact range is not everybody but {seen}: {lost}", fix)


async def stored_findings(database: "Database", settings: Settings) -> list[Finding]:
    """What is known of who may read, where rights are mirrored. Raises `StoreError`."""
    from bot.repositories.document_rights import DocumentRights
    from feishu.clock import SystemClock

    rules = settings.bot.access
    if rules.rights != "mirror" or not any(settings.links()):
        return []
    max_age_s = rules.rights_max_age_h * HOUR_S
    stored = await DocumentRights(database, clock=SystemClock(), is_on=True, max_age_s=max_age_s).all()
    if not stored:
        found = "the rights of documents were never read: nobody may read anything on Feishu"
        return [Finding("rights", "fail", found, "feishu-rag ingest, or start the bot; see rights_not_read in its log")]
    return [*_age(stored, settings), *_closed(stored, settings), *_incomplete(stored)]


def _age(stored: Sequence["StoredRights"], settings: Settings) -> Iterator[Finding]:
    rules = settings.bot.access
    now, newest = time.time(), max(each.checked_at for each in stored)
    old = sum(now - each.checked_at > rules.rights_max_age_h * HOUR_S for each in stored)
    fix = "start the bot, and see rights_not_read and rights_not_listed in its log"
    if old:
        found = f"{old} of {len(stored)} documents: their rights were not read again for {rules.rights_max_age_h:g} h"
        yield Finding("rights", "fail", f"{found} (bot.access.rights_max_age_h), so nobody may read them", fix)
    elif now - newest > 2 * rules.rights_min * 60 + 60:
        yield Finding("rights", "warn", f"read {ago(newest)}, not every {rules.rights_min:g} minutes", fix)
    else:
        yield Finding("rights", "ok", f"of {len(stored)} documents, read {ago(newest)}")


def _closed(stored: Sequence["StoredRights"], settings: Settings) -> Iterator[Finding]:
    """Documents that nobody may read, by the reason; each reason with its fix."""
    found: dict[Closed, list[StoredRights]] = {}
    for each in stored:
        if not each.rights.readers:
            found.setdefault(each.rights.closed, []).append(each)
    for why, of_these in sorted(found.items(), key=lambda each: -len(each[1])):
        examples = ", ".join(each.link or each.source for each in of_these[:EXAMPLES])
        said = f"{len(of_these)} of {len(stored)} documents are closed to everybody: {_WHY[why]}; like {examples}"
        yield Finding("rights", "warn", said, _fix(why, of_these, settings))


_WHY: dict["Closed", str] = {
    "": "no person, group or department is known that may read them",
    "members_hidden": "the app may not see their collaborators",
    "scope_missing": "a scope is missing",
    "gone": "they are not there any more",
    "advanced": "their records have rights of their own",
}


def _fix(why: "Closed", of_these: Sequence["StoredRights"], settings: Settings) -> str:
    if why == "scope_missing":
        least = {each.rights.missing_scope.partition(" or ")[0] for each in of_these}
        scopes = sorted(least - {""}) or ["docs:permission.member:retrieve"]
        return f"grant {' and '.join(scopes)} at {grant_page(settings.feishu, scopes)} {RELEASE}"
    fixes: dict[Closed, str] = {
        "members_hidden": "give the app the right to see collaborators: share the document or its wiki with it to edit "
        "or manage, as the document's own setting demands (权限设置 › 谁可以查看、添加、移除协作者)",
        "gone": "feishu-rag ingest takes them out; correct rag.links where they are named",
        "advanced": "end the advanced permissions (高级权限) of the base, or take it out of the links",
        "": "see /admin › Access for what is known of them; share them with the people they are for",
    }
    return fixes[why]


def _incomplete(stored: Sequence["StoredRights"]) -> Iterator[Finding]:
    """Folders, pages and spaces that give rights which the app may not see: whoever has them only from there is kept
    out."""
    parts = Counter(part for each in stored for part in each.rights.incomplete)
    if parts:
        documents = sum(bool(each.rights.incomplete) for each in stored)
        first = ", ".join(name for name, _ in parts.most_common(EXAMPLES))
        found = f"{documents} documents: who has a right from {len(parts)} pages, folders or spaces is not known"
        fix = "share these with the app, too, to edit or to manage; members of folders the platform may not tell at all"
        yield Finding("rights", "warn", f"{found}, like {first}; those people are kept out", fix)
