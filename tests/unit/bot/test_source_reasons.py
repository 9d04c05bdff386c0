"""Which rule explains a source to all who read an answer."""

import pytest

from bot.intake.source_reasons import common_grant
from feishu.documents.rights import ANYONE, OUTSIDE, TENANT, Grant, Rights

INSIDE = frozenset({ANYONE, TENANT})
LIN, ZHOU = INSIDE | {"user:lin", "chat:oc_1"}, INSIDE | {"user:zhou", "chat:oc_1"}
NORA = frozenset({OUTSIDE + ANYONE, f"{OUTSIDE}user:nora", f"{OUTSIDE}chat:oc_1"})
OWNER, CHAT = Grant("user:lin", "owner", "doc"), Grant("chat:oc_1", "member", "doc")
LINK, OPEN = Grant(TENANT, "link", "doc"), Grant(ANYONE, "published", "space")


@pytest.mark.parametrize(
    ("readers", "grants", "lets_out", "found"),
    [
        ({LIN}, (LINK, CHAT, OWNER), False, OWNER),
        ({LIN, ZHOU}, (LINK, CHAT, OWNER), False, CHAT),
        ({LIN, ZHOU}, (OWNER, Grant("user:zhou", "member", "doc")), False, None),
        ({ZHOU}, (OWNER,), False, None),
        ({LIN, NORA}, (LINK, CHAT), False, None),
        ({LIN, NORA}, (LINK, CHAT), True, CHAT),
        ({LIN, NORA}, (LINK, OPEN), False, OPEN),
        ((), (LINK,), False, None),
    ],
    ids=["nearest", "of all", "each their own", "nobody", "kept in", "let out", "published", "unknown readers"],
)
def test_the_most_personal_rule_that_is_true_of_all_readers(
    readers: set[frozenset[str]], grants: tuple[Grant, ...], lets_out: bool, found: Grant | None
) -> None:
    assert common_grant(Rights(grants, lets_out=lets_out), frozenset(readers)) == found
