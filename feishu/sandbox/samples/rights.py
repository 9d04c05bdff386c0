"""An invented organisation with somebody from outside, and a wiki that not everybody may open."""

from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.sharing import Member, SpaceMember

SPACE = "7300000000000000098"
PRODUCT, FINANCE, PAYROLL = "od-product", "od-finance", "od-payroll"
LIN, ZHOU, CHEN, NORA = "ou_linxiaoman", "ou_zhouming", "ou_chenwei", "ou_nora"
CONSULTANTS, LEADS = "oc_consultants", "og-leads"


def put_rights(sandbox: Sandbox) -> str:
    """Puts them there; the link to the wiki, for `rag.links`."""
    _people(sandbox)
    store, rights = sandbox.platform.documents, sandbox.rights
    members = SpaceMember("user", ZHOU, "admin"), SpaceMember("department", FINANCE)
    rights.space(SPACE, "财务资料", *members)
    top = store.node(SPACE, "财务制度", "# 财务制度\n\n本库的内容只给财务部，另行分享的页面除外。\n")
    travel = store.node(
        SPACE, "差旅预借款", "# 差旅预借款\n\n单次预借款上限 6000 元，返程后五个工作日内核销。\n", parent=top.node_token
    )
    pay = store.node(
        SPACE, "薪酬复核", "# 薪酬复核\n\n薪酬复核在每月 18 日完成，由薪酬组两人复核。\n", parent=top.node_token
    )
    advice = store.node(
        SPACE, "顾问结算", "# 顾问结算\n\n外部顾问按季度结算，发票抬头见合同附件。\n", parent=top.node_token
    )
    for page in (top, travel, pay, advice):
        rights.own(page.node_token, ZHOU)
    rights.grant(travel.node_token, Member("user", LIN))
    rights.grant(advice.node_token, Member("chat", CONSULTANTS, perm_type="single_page"))
    rights.grant(pay.node_token, Member("department", PAYROLL))
    rights.lock(pay.node_token)
    return f"https://sandbox.feishu.cn/wiki/space/{SPACE}"


def _people(sandbox: Sandbox) -> None:
    office = sandbox.office
    office.department(PRODUCT, "产品部")
    office.department(FINANCE, "财务部")
    office.department(PAYROLL, "薪酬组", parent=FINANCE)
    office.move(LIN, PRODUCT)
    office.move(ZHOU, FINANCE)
    office.hire(CHEN, "陈薇", PAYROLL)
    office.outsider(NORA, "Nora", "nimbus_partner")
    office.user_group(LEADS, "组长", ZHOU)
    sandbox.groups.open(CONSULTANTS, "顾问沟通群", LIN, NORA)
