"""A topic in which several people talk, to be summed up."""

from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.world import Message, compact

TOPICS = "oc_newcomers"
LIN, ZHOU, CHEN = "ou_linxiaoman", "ou_zhouming", "ou_chenwei"
EVERY_S = 420.0
SAID = (
    (ZHOU, "星报 3.2 什么时候上线？测试已经通过了。"),
    (LIN, "我倾向周四上午，避开周五的结算。"),
    (CHEN, "周四上午可以，结算那边没有影响。"),
    (ZHOU, "那就定在周四 10:00 上线，我来发版。"),
    (LIN, "公告谁来写？财务的同事需要提前一天知道。"),
    (CHEN, "我来写公告，周三中午前发出来。"),
    (LIN, "回滚方案有人确认过吗？@周明"),
    (ZHOU, "还没有，我去找运维确认，今天下班前回复。"),
)


def put_topic(sandbox: Sandbox) -> str:
    """Puts it there, said over the last hour; the id of its first message."""
    world = sandbox.world
    if CHEN not in world.people:
        sandbox.office.hire(CHEN, "陈薇")
    if CHEN not in world.chats[TOPICS].people:
        sandbox.groups.add(TOPICS, CHEN)
    topic, root = world.new_id("omt_"), ""
    for number, (person, text) in enumerate(SAID):
        at = sandbox.platform.now() - EVERY_S * (len(SAID) - number)
        message = Message(world.new_id("om_"), TOPICS, person, "user", "text", compact({"text": text}), at)
        message.thread_id = topic
        if root:
            message.parent_id = message.root_id = root
        root = root or message.message_id
        world.messages[message.message_id] = message
        sandbox.platform.show(message)
    return root
