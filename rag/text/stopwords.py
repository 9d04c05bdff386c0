"""Words by which a question asks and that say nothing about its subject, in Chinese and English."""

import re

_CHINESE = """
    什么时候 什么样 什么 为什么 为何 怎么样 怎么办 怎么 怎样 如何 哪里 哪儿 哪些 哪个 哪天 哪 谁 多久 多长时间 多长
    多少 多大 几天 几个 几次 几点 几号 几 是否 是不是 能不能 可不可以 可以 能否 有没有 要不要 需不需要 请问 请教 想问
    告诉我 知道 帮我 我们 你们 咱们 应该 应当 需要 必须 的话 一下 一个 这个 那个 这些 那些 时候 关于 对于 以及 或者
    还是 如果 之内 以内 之前 之后 吗 呢 吧 啊 呀 嘛 么 的 了 着 过 是 在 有 我 你 您 他 她 它 要 会 能 可 请 问 和 与
    或 及 把 被 让 给 对 从 到 向 就 都 也 还 又 再 才 不 没 这 那 个 些 内 里 为 以 于 得 地 做 去
    来 该 想 说 用 写 找 弄 算
"""
_ENGLISH = """
    a an the of to in on at by for from with and or but if then than as is are was were be been being am do does did
    done have has had can could may might must shall should will would i me my we us our you your he she it its they
    them their this that these those there here what which who whom whose when where why how much many long often soon
    please tell about any some not no so into out up s t d ll re ve get got need want take takes
"""

# Longest first, so that 什么时候 goes before 什么.
CHINESE = re.compile("|".join(sorted(_CHINESE.split(), key=len, reverse=True)))
ENGLISH = frozenset(_ENGLISH.split())
