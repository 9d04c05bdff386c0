"""Who may open what on the sandbox: every rule with a small organisation."""

from typing import Any

import pytest

from feishu.sandbox import Impossible, Sandbox
from feishu.sandbox.rules.rights import app_may_open, app_perm
from feishu.sandbox.sharing import Member, SpaceMember
from tests.support.platform_client import ALICE, BOB
from tests.support.rights_house import (
    CARLA,
    DAN,
    EVE,
    EVERYBODY,
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

INSIDE = {ALICE, BOB, CARLA, DAN}


@pytest.fixture
def house() -> Sandbox:
    return furnish(Sandbox())


def rule(house: Sandbox, open_id: str, token: str) -> str:
    return house.rights.may_open(open_id, token).rule


def test_what_is_made_without_rights_is_open_to_the_tenant_and_to_nobody_else(house: Sandbox) -> None:
    store = house.platform.documents
    store.write("doxPlain", "平常", "正文")
    page = store.node("7300000000000000009", "一页", "正文")
    assert readers(house, "doxPlain") == readers(house, page.node_token) == INSIDE
    assert rule(house, BOB, "doxPlain") == "link"
    assert rule(house, BOB, page.node_token) == "space_public"


@pytest.mark.parametrize(
    ("member", "allowed"),
    [
        (Member("user", BOB), {BOB}),
        (Member("user", EVE), {EVE}),
        (Member("user", BOB, "edit"), {BOB}),
        (Member("user", BOB, "full_access", id_type="unionid"), {BOB}),
        (Member("chat", STAFF), {CARLA, EVE}),
        (Member("chat", "oc_product"), {ALICE, BOB}),
        (Member("department", HR), {CARLA}),
        (Member("department", LEAF), {CARLA}),
        (Member("department", OTHER), {DAN}),
        (Member("department", "0"), INSIDE),
        (Member("group", LEADERS), {DAN}),
        (Member("group", "og-dynamic"), {DAN}),
        (Member("wiki_space_member", PRIVATE), {ALICE, CARLA}),
        (Member("wiki_space_viewer", PRIVATE), {ALICE, CARLA}),
        (Member("wiki_space_editor", PRIVATE), {ALICE}),
        (Member("wiki_space_member", PUBLIC), INSIDE),
        (Member("chat", "oc_gone"), set()),
        (Member("department", "od-gone"), set()),
    ],
    ids=lambda value: f"{value.kind}:{value.id}" if isinstance(value, Member) else "",
)
def test_members_of_each_kind(house: Sandbox, member: Member, allowed: set[str]) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", member)
    assert readers(house, "doxOne") == allowed
    for open_id in allowed:
        verdict = house.rights.may_open(open_id, "doxOne")
        assert (verdict.rule, verdict.where, verdict.by) == ("member", "doxOne", f"{member.kind}:{member.id}")
    assert {rule(house, each, "doxOne") for each in EVERYBODY if each not in allowed} <= {"nothing"}


@pytest.mark.parametrize(
    ("public", "allowed"),
    [
        ({"link_share_entity": "closed"}, set()),
        ({"link_share_entity": "tenant_readable"}, INSIDE),
        ({"link_share_entity": "tenant_editable"}, INSIDE),
        ({"link_share_entity": "partner_tenant_readable"}, INSIDE),
        ({"link_share_entity": "anyone_readable"}, {*INSIDE, EVE}),
        ({"link_share_entity": "anyone_editable"}, {*INSIDE, EVE}),
    ],
    ids=lambda value: str(value.get("link_share_entity")) if isinstance(value, dict) else "",
)
def test_links(house: Sandbox, public: dict[str, Any], allowed: set[str]) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", **public)
    assert readers(house, "doxOne") == allowed


def test_an_associated_organisation_comes_in_by_a_link_for_it(house: Sandbox) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", link_share_entity="partner_tenant_readable")
    house.world.organisation.partners.add(house.world.people[EVE].tenant_key)
    assert readers(house, "doxOne") == {*INSIDE, EVE}
    house.rights.set_public("doxOne", external_access_entity="allow_share_partner_tenant")
    assert EVE in readers(house, "doxOne")
    house.rights.set_public("doxOne", external_access_entity="closed")
    assert rule(house, EVE, "doxOne") == "outside"


def test_what_may_not_leave_the_organisation_is_closed_to_outsiders_however_it_is_shared(house: Sandbox) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", Member("user", EVE), Member("chat", STAFF), link_share_entity="anyone_readable")
    house.rights.set_public("doxOne", external_access_entity="closed")
    assert rule(house, EVE, "doxOne") == "outside"
    assert house.platform.documents.sharing("doxOne").public.link_share_entity == "tenant_readable"
    with pytest.raises(Impossible):
        house.rights.set_public("doxOne", link_share_entity="anyone_readable")
    with pytest.raises(Impossible):
        house.rights.grant("doxOne", Member("user", EVE, "edit"))


def test_an_owner_opens_and_a_leaver_opens_nothing(house: Sandbox) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", owner=DAN)
    assert (readers(house, "doxOne"), rule(house, DAN, "doxOne")) == ({DAN}, "owner")
    house.office.resign(DAN)
    assert (readers(house, "doxOne"), rule(house, DAN, "doxOne")) == (set(), "resigned")


def test_who_leaves_a_group_a_department_or_a_dissolved_group_loses_what_it_opened(house: Sandbox) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", Member("chat", STAFF), Member("department", OTHER), Member("group", LEADERS))
    house.groups.add(STAFF, BOB)
    assert readers(house, "doxOne") == {CARLA, EVE, BOB, DAN}
    house.groups.remove(STAFF, EVE)
    house.office.move(DAN, HR)
    assert readers(house, "doxOne") == {CARLA, BOB, DAN}
    house.office.user_group(LEADERS, "组长")
    assert readers(house, "doxOne") == {CARLA, BOB}
    house.groups.disband(STAFF, keep_history=True)
    assert readers(house, "doxOne") == set()


class Tree:
    """Three pages below each other in a private wiki."""

    def __init__(self, house: Sandbox, space: str = PRIVATE) -> None:
        store = house.platform.documents
        self.top = store.node(space, "上", "正文")
        self.middle = store.node(space, "中", "正文", parent=self.top.node_token)
        self.bottom = store.node(space, "下", "正文", parent=self.middle.node_token)
        self.pages = [self.top.node_token, self.middle.node_token, self.bottom.node_token]

    def readers(self, house: Sandbox) -> list[set[str]]:
        return [readers(house, token) for token in self.pages]


def test_a_private_space_opens_to_its_members_on_every_page(house: Sandbox) -> None:
    tree = Tree(house)
    assert tree.readers(house) == [{ALICE, CARLA}] * 3
    house.rights.admit(PRIVATE, SpaceMember("chat", STAFF))
    assert tree.readers(house) == [{ALICE, CARLA, EVE}] * 3
    house.rights.dismiss(PRIVATE, "department", HR)
    house.rights.dismiss(PRIVATE, "chat", STAFF)
    assert tree.readers(house) == [{ALICE}] * 3
    assert rule(house, ALICE, tree.bottom.node_token) == "space_admin"


def test_a_public_space_opens_to_the_tenant_and_a_published_one_to_all(house: Sandbox) -> None:
    tree = Tree(house, PUBLIC)
    assert tree.readers(house) == [INSIDE] * 3
    with pytest.raises(Impossible):
        house.rights.admit(PUBLIC, SpaceMember("user", BOB))
    house.rights.lock(tree.middle.node_token)
    house.platform.documents.spaces[PUBLIC].open_sharing = "open"
    assert tree.readers(house) == [{*INSIDE, EVE}, {ALICE}, {ALICE}]
    assert rule(house, EVE, tree.top.node_token) == "published"


def test_a_container_right_reaches_the_pages_below_and_a_single_page_right_does_not(house: Sandbox) -> None:
    tree = Tree(house)
    house.rights.grant(tree.top.node_token, Member("user", BOB))
    house.rights.grant(tree.middle.node_token, Member("user", DAN, perm_type="single_page"))
    assert tree.readers(house) == [{ALICE, CARLA, BOB}, {ALICE, CARLA, BOB, DAN}, {ALICE, CARLA, BOB}]
    found = house.rights.may_open(BOB, tree.bottom.node_token)
    assert (found.rule, found.where) == ("inherited", tree.top.obj_token)


def test_a_locked_page_cuts_what_is_above_it_and_keeps_its_own(house: Sandbox) -> None:
    tree = Tree(house)
    house.rights.grant(tree.top.node_token, Member("user", BOB))
    house.rights.grant(tree.middle.node_token, Member("user", DAN))
    house.rights.lock(tree.middle.node_token)
    assert tree.readers(house) == [{ALICE, CARLA, BOB}, {ALICE, DAN}, {ALICE, DAN}]
    house.rights.unlock(tree.middle.node_token)
    assert tree.readers(house)[2] == {ALICE, CARLA, BOB, DAN}
    house.rights.lock(tree.bottom.node_token)
    assert tree.readers(house)[2] == {ALICE}


def test_a_space_listed_on_a_locked_page_lets_its_members_in_again(house: Sandbox) -> None:
    tree = Tree(house)
    house.rights.lock(tree.middle.node_token)
    house.rights.grant(tree.middle.node_token, Member("wiki_space_member", PRIVATE))
    assert tree.readers(house)[1:] == [{ALICE, CARLA}] * 2


def test_the_link_of_a_page_does_not_open_the_pages_below(house: Sandbox) -> None:
    tree = Tree(house)
    house.rights.set_public(tree.top.node_token, link_share_entity="tenant_readable")
    assert tree.readers(house) == [INSIDE, {ALICE, CARLA}, {ALICE, CARLA}]


def test_a_shortcut_has_the_rights_of_its_origin(house: Sandbox) -> None:
    tree, store = Tree(house), house.platform.documents
    shortcut = store.node(PUBLIC, "快捷方式", obj_token=tree.bottom.obj_token, node_type="shortcut")
    assert readers(house, shortcut.node_token) == readers(house, tree.bottom.obj_token) == {ALICE, CARLA}
    store.file("fldcnTop", "快捷方式", "shortcut", "short1", target=("docx", tree.bottom.obj_token))
    house.rights.share("fldcnTop", Member("user", BOB))
    assert readers(house, "short1") == {ALICE, CARLA}


def test_a_shared_folder_opens_all_that_lies_in_it(house: Sandbox) -> None:
    store = house.platform.documents
    store.file("fldcnTop", "里层", "folder", "fldcnSub")
    store.file("fldcnSub", "一份", "docx", store.write("doxInner", "一份", "正文"))
    assert readers(house, "doxInner") == INSIDE
    house.rights.share("fldcnTop", Member("user", BOB))
    house.rights.share("fldcnSub", Member("department", HR))
    assert readers(house, "doxInner") == {BOB, CARLA}
    assert rule(house, BOB, "doxInner") == "inherited"
    house.rights.set_public("doxInner", link_share_entity="tenant_readable")
    assert readers(house, "doxInner") == INSIDE


def test_what_is_not_there_opens_to_nobody(house: Sandbox) -> None:
    store = house.platform.documents
    store.write("doxOne", "一份", "正文")
    house.rights.share("doxOne", Member("user", BOB))
    store.remove("doxOne")
    assert (readers(house, "doxOne"), rule(house, BOB, "doxOne")) == (set(), "missing")
    store.write("doxOne", "又一份", "正文")
    assert readers(house, "doxOne") == INSIDE


def test_an_app_reads_what_is_shared_with_its_bot(house: Sandbox) -> None:
    store, world = house.platform.documents, house.world
    app = next(iter(world.apps.values()))
    tree, public = Tree(house), Tree(house, PUBLIC)
    store.write("doxLink", "链接", "正文")
    store.write("doxOne", "一份", "正文")
    house.rights.share("doxOne")
    store.file("fldcnTop", "里层", "docx", store.write("doxInner", "里层", "正文"))
    house.rights.share("fldcnTop", Member("user", app.open_id))

    def read() -> list[bool]:
        tokens = ("doxLink", "doxOne", "doxInner", tree.bottom.node_token, public.top.node_token)
        return [app_may_open(world, store, app, token) for token in tokens]

    assert read() == [True, False, False, False, False], "a folder shared with the app itself has no effect"
    house.rights.grant("doxOne", Member("user", app.open_id, "edit"))
    house.rights.grant("fldcnTop", Member("chat", STAFF))
    house.rights.admit(PRIVATE, SpaceMember("chat", STAFF, "admin"))
    assert read() == [True, True, True, True, False]
    assert app_perm(world, store, app, "doxOne") == "edit"
    assert app_perm(world, store, app, tree.bottom.node_token) == "full_access"
    assert app_perm(world, store, app, "doxLink") is None
    house.groups.remove_bot(STAFF, app.app_id)
    assert read() == [True, True, False, False, False]


def test_changes_that_no_client_offers_are_refused(house: Sandbox) -> None:
    house.platform.documents.write("doxOne", "一份", "正文")
    for refused in (
        lambda: house.rights.lock("doxOne"),
        lambda: house.rights.grant("doxOne", Member("user", BOB, perm_type="single_page")),
        lambda: house.rights.grant("doxOne", Member("user", "ou_nobody")),
        lambda: house.rights.grant("doxOne", Member("department", "od-nothing")),
        lambda: house.rights.grant("doxNone", Member("user", BOB)),
        lambda: house.rights.set_public("doxOne", link_share_entity="everybody"),
        lambda: house.rights.set_public("doxOne", colour="red"),
        lambda: house.office.hire(BOB, "又一个周明"),
        lambda: house.office.hire("ou_new", "新人", "od-nothing"),
        lambda: house.office.move(EVE, HR),
        lambda: house.office.department(HR, "人事部", parent=LEAF),
        lambda: house.office.close_department(HR),
        lambda: house.office.close_department(OTHER),
        lambda: house.groups.add("oc_nothing", BOB),
        lambda: house.groups.open(STAFF, "再一个"),
    ):
        with pytest.raises(Impossible):
            refused()
