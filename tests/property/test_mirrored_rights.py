"""What the bot takes for readable is never outside of what people may open on the platform, and is all of it.

The sandbox decides who may open what by rules of its own (`feishu.sandbox.rules.rights`); the mirror is made of API
calls alone.
"""

import random

import pytest

from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.sandbox.rules.rights import Verdict
from feishu.sandbox.sharing import LINK_SHARES, Kind, Member, SpaceMember
from tests.support.mirrored import Mirror
from tests.support.rights_house import (
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
)

FOLDER, INNER = "fldcnOuter", "fldcnInner"
LINKS = (
    f"https://sandbox.feishu.cn/wiki/settings/{PRIVATE}",
    f"https://sandbox.feishu.cn/wiki/settings/{PUBLIC}",
    f"https://sandbox.feishu.cn/drive/folder/{FOLDER}",
)
GROUPS = ("oc_product", STAFF)


def somebody(chance: random.Random) -> tuple[Kind, str]:
    kinds: list[tuple[Kind, tuple[str, ...]]] = [
        ("user", EVERYBODY),
        ("chat", GROUPS),
        ("department", (HR, LEAF, OTHER, "0")),
        ("group", (LEADERS,)),
    ]
    kind, names = chance.choice(kinds)
    return kind, chance.choice(names)


def member(chance: random.Random) -> Member:
    kind, name = somebody(chance)
    is_person = kind == "user"
    id_type = chance.choice(("openid", "unionid")) if is_person else "openid"
    return Member(kind, name, perm_type=chance.choice(("container", "single_page")), id_type=id_type)  # type: ignore[arg-type]


def share(sandbox: Sandbox, chance: random.Random, token: str) -> None:
    """Any rights, with a platform that keeps to what clients allow."""
    outside = chance.choice(("open", "closed"))
    links = [each for each in LINK_SHARES if outside == "open" or not each.startswith("anyone")]
    members = [member(chance) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    sandbox.rights.share(
        token,
        *members,
        owner=chance.choice(EVERYBODY[:3]),
        external_access_entity=outside,
        link_share_entity=chance.choice(["closed"] * 12 + links),
        lock_switch=chance.random() < 0.25,
    )


def built(chance: random.Random, sandbox: Sandbox) -> list[str]:
    """Documents in two wikis and two folders; their tokens."""
    furnish(sandbox)
    store = sandbox.platform.documents
    tokens = []
    for space in (PRIVATE, PUBLIC):
        nodes = [""]
        for number in range(5):
            node = store.node(space, f"页 {space[-1]}-{number}", "字", parent=chance.choice(nodes))
            nodes.append(node.node_token)
            tokens.append(node.obj_token)
    kind, name = somebody(chance)
    if kind not in ("group",):
        sandbox.rights.admit(PRIVATE, SpaceMember(kind, name))  # type: ignore[arg-type]
    store.file(FOLDER, "里层", "folder", INNER)
    for folder in (FOLDER, INNER):
        token = store.write(f"doxcn{folder}", f"文 {folder}", "字")
        store.file(folder, f"文 {folder}", "docx", token)
        tokens.append(token)
        sandbox.rights.share(folder, *(Member(*somebody(chance)) for _ in range(chance.choice((0, 1)))))
    for token in tokens:
        if chance.random() < 0.8:
            share(sandbox, chance, token)
    return tokens


def changed(chance: random.Random, sandbox: Sandbox, tokens: list[str]) -> None:
    """Something that takes or gives rights."""
    for _ in range(3):
        change = chance.randrange(5)
        if change == 0:
            share(sandbox, chance, chance.choice(tokens))
        elif change == 1:
            sandbox.office.move(EVERYBODY[2], chance.choice((HR, LEAF, OTHER)))
        elif change == 2:
            sandbox.groups.remove(STAFF, EVERYBODY[2])
        elif change == 3:
            sandbox.groups.add(STAFF, EVERYBODY[3])
        else:
            sandbox.office.user_group(LEADERS, "组长", chance.choice(EVERYBODY[:4]))


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(6, 80))])
async def test_the_mirror_shows_what_people_may_open_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    sandbox = Sandbox(SandboxSettings(folder_members=seed % 2 == 0))
    sandbox.platform.documents.page_size = 50
    async with running(sandbox) as base_url:
        tokens = built(chance, sandbox)
        mirrored = await Mirror.of(sandbox, base_url, *LINKS)
        try:
            await compared(sandbox, mirrored, tokens)
            changed(chance, sandbox, tokens)
            await mirrored.look()
            mirrored.audiences.forget_all()
            await compared(sandbox, mirrored, tokens)
        finally:
            await mirrored.client.aclose()


async def compared(sandbox: Sandbox, mirrored: Mirror, tokens: list[str]) -> None:
    assert set(mirrored.rights) == set(tokens)
    everybody = {person: await mirrored.shown("", "p2p", person, tokens) for person in EVERYBODY}
    for person, shown in everybody.items():
        [principals] = mirrored.audiences.of("", "p2p", person)
        assert {token for token in tokens if mirrored.rights[token].grants_to(principals)} == shown, (
            "each has its reason"
        )
        verdicts = {token: sandbox.rights.may_open(person, token) for token in tokens}
        beyond = {token: mirrored.rights[token] for token in shown if not verdicts[token].allowed}
        assert not beyond, person
        hidden = {token: found for token, found in verdicts.items() if found.allowed and token not in shown}
        assert not {token: found for token, found in hidden.items() if not is_told_to_nobody(sandbox, person, found)}
    for group in GROUPS:
        people = sandbox.world.chats[group].people
        of_all = set(tokens).intersection(*(everybody[each] for each in people))
        assert await mirrored.shown(group, "group", people[0], tokens) == of_all, group


def is_told_to_nobody(sandbox: Sandbox, person: str, verdict: Verdict) -> bool:
    """What no API tells an app: the admins of a public wiki, members of folders where their list is refused, and the
    other ids of somebody from outside, by one of which they are named."""
    if verdict.rule == "space_admin":
        return verdict.where == PUBLIC
    if verdict.where in (FOLDER, INNER):
        return not sandbox.settings.folder_members
    return person == EVE and verdict.rule in ("member", "inherited")
