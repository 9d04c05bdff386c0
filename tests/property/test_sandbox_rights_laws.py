"""Laws of the sandbox's rights in any tree: sharing never closes, locking never opens, outsiders come three ways."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from feishu.sandbox import Sandbox
from feishu.sandbox.document_store import Node
from feishu.sandbox.sharing import LINK_SHARES, Kind, Member, PermType, SpaceMember
from tests.support.platform_client import ALICE, BOB
from tests.support.rights_house import (
    CARLA,
    DAN,
    EVE,
    HR,
    LEADERS,
    LEAF,
    OTHER,
    PRIVATE,
    PUBLIC,
    STAFF,
    furnish,
    readers,
)

WHOM: list[tuple[Kind, str]] = [
    *(("user", each) for each in (ALICE, BOB, CARLA, DAN, EVE)),
    *(("chat", each) for each in (STAFF, "oc_product")),
    *(("department", each) for each in ("0", HR, LEAF, OTHER)),
    ("group", LEADERS),
    ("wiki_space_member", PRIVATE),
    ("wiki_space_editor", PRIVATE),
]
Step = tuple[Literal["grant", "lock", "unlock", "link", "admit"], int, tuple[Kind, str], PermType, str]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["grant", "lock", "unlock", "link", "admit"]),
        st.integers(0, 4),
        st.sampled_from(WHOM),
        st.sampled_from(["container", "single_page"]),
        st.sampled_from(LINK_SHARES),
    ),
    max_size=12,
)


def grow(sandbox: Sandbox, space: str, parents: list[int]) -> list[Node]:
    """Pages of which each but the first lies below an earlier one, or at the top."""
    pages: list[Node] = []
    for number, parent in enumerate(parents):
        above = pages[parent % number].node_token if number and parent % 3 else ""
        pages.append(sandbox.platform.documents.node(space, f"页 {number}", "正文", parent=above))
    return pages


def apply(sandbox: Sandbox, step: Step, page: Node) -> None:
    what, _, (kind, member), perm_type, link = step
    rights, token = sandbox.rights, page.node_token
    match what:
        case "grant":
            rights.grant(token, Member(kind, member, perm_type=perm_type))
        case "lock":
            rights.lock(token)
        case "unlock":
            rights.unlock(token)
        case "link":
            rights.set_public(token, link_share_entity=link)
        case "admit" if kind in ("user", "chat", "department") and page.space_id == PRIVATE:
            rights.admit(PRIVATE, SpaceMember(kind, member))  # type: ignore[arg-type]


@given(st.sampled_from([PRIVATE, PUBLIC]), st.lists(st.integers(0, 8), min_size=5, max_size=5), STEPS)
def test_sharing_never_closes_and_locking_never_opens(space: str, parents: list[int], steps: list[Step]) -> None:
    sandbox = furnish(Sandbox())
    pages = grow(sandbox, space, parents)
    for step in steps:
        before = [readers(sandbox, page.node_token) for page in pages]
        apply(sandbox, step, pages[step[1]])
        after = [readers(sandbox, page.node_token) for page in pages]
        for was, is_now in zip(before, after, strict=True):
            if step[0] in ("grant", "unlock"):
                assert was <= is_now, step
            if step[0] == "lock":
                assert was >= is_now, step


@given(st.sampled_from([PRIVATE, PUBLIC]), st.lists(st.integers(0, 8), min_size=5, max_size=5), STEPS)
def test_an_outsider_comes_in_by_name_by_a_chat_or_by_a_link_for_anybody(
    space: str, parents: list[int], steps: list[Step]
) -> None:
    sandbox = furnish(Sandbox())
    pages = grow(sandbox, space, parents)
    for step in steps:
        apply(sandbox, step, pages[step[1]])
    for page in pages:
        verdict = sandbox.rights.may_open(EVE, page.node_token)
        if verdict.allowed:
            ways = (f"user:{EVE}", f"chat:{STAFF}", f"wiki_space_member:{PRIVATE}", f"wiki_space_editor:{PRIVATE}")
            assert verdict.by in ways or verdict.by.startswith("anyone_")
            sandbox.rights.set_public(page.node_token, external_access_entity="closed")
            assert sandbox.rights.may_open(EVE, page.node_token).rule == "outside"
