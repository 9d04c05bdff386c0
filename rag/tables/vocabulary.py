"""The words in which people ask about a table, Chinese and English, as patterns over folded text."""

import re

CLASSIFIERS = "个家名位人条项台次笔份种只辆件间款门套张行单把本部类场支箱瓶组座栋户批所期处"
OF_ROWS = frozenset("笔条单行项次张份期批场")
"""Classifiers of entries, not of things that an entry may hold several of."""
OF_GOODS = frozenset("台件把只辆套本箱瓶支部款")
_NUMERAL = "[一二两三四五六七八九十]"
_NUMBER = r"[¥￥$€£]?\s?(?:\d[\d,]*(?:\.\d+)?|[零一二两三四五六七八九十百千]{1,9})"
_SCALE = "(?:百万|千万|[百千万亿])?"
UNITS = (
    r"(?:人民币|元|块钱?|天|小时|个小时|%|percent|euros?|dollars?|usd|eur|gbp|rmb|hours?|hrs?|days?|units?|people|pieces"
    r"|pcs|岁|分|公斤|kg|人|个|台|件|把|次|张|份)?"
)
_QUANTITY = rf"{_NUMBER}\s?{_SCALE}\s?{UNITS}"
_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]|[一二三四五六七八九十])月(?:份)?"
_EN_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug"
    "|sept?|oct|nov|dec"
)
_YEAR = r"(?:19|20)\d\d"
_QUARTER = r"第?[一二三四1-4]季度|q[1-4](?![a-z0-9])|(?:first|second|third|fourth) quarter"
_HALF = r"上半年|下半年|(?:first|second) half"

MORE = ">=|≥|大于等于|不低于|不少于|不小于|至少有?|at least|no less than|no fewer than"
ABOVE = ">|大于|超过了?|高于|多于|超出|more than|over|above|greater than|exceeding|higher than|larger than"
LESS = "<=|≤|小于等于|不超过|不高于|不多于|至多|at most|no more than|up to"
BELOW = "<|小于|低于|少于|不到|不足|less than|under|below|fewer than|lower than|cheaper than"

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            "between",
            rf"(?:在|介于|从|between|from)?\s?(?P<low>{_QUANTITY})\s?(?:到|至|和|与|~|-|—|and|to)\s?(?P<high>{_QUANTITY})"
            r"\s?(?:之间|以内|范围内)?(?<![\d-])",
        ),
        (
            "compare",
            rf"(?:(?P<more>{MORE})|(?P<above>{ABOVE})|(?P<less>{LESS})|(?P<below>{BELOW}))\s?"
            rf"(?P<n>{_QUANTITY})",
        ),
        (
            "compare",
            rf"(?P<n>{_QUANTITY})(?:(?P<more>及?以上| or more| and above)|(?P<less>及?以下|以内| or less| and below))",
        ),
        (
            "date",
            rf"(?P<since>since|from|after|before|until|in|during|for)?\s?(?:(?P<y>{_YEAR})年?度?的?)?\s?"
            rf"(?:(?P<m>{_MONTH})|(?P<q>{_QUARTER})|(?P<h>{_HALF}))"
            rf"(?:\s?(?:of |,)?\s?(?P<y2>{_YEAR})(?!\d))?(?P<side>以后|之后|以来|开始|起|以前|之前)?",
        ),
        (
            "date",
            rf"(?P<since>since|from|after|before|until|in|during|for)?\s?(?P<y>(?<!\d){_YEAR})(?![\d-])(?:年度?)?"
            r"(?P<side>以后|之后|以来|开始|起|以前|之前)?",
        ),
        (
            "date",
            rf"(?P<since>since|from|after|before|until|in|during|for)?\s?\b(?P<name>{_EN_MONTH})\b"
            rf"(?:,? (?P<y>{_YEAR}))?(?!\d)",
        ),
        ("relative", r"今年|本年度?|去年|前年|本月|这个月|上个?月|this year|last year|this month|last month"),
        (
            "count",
            rf"(?:多少|几)(?P<of>[{CLASSIFIERS}])(?!份假|小时|月)|how many|(?:the )?(?:number|count) of|count(?: the)?",
        ),
        ("count", r"(?P<of>[人])数|数量|个数|家数"),
        ("howmuch", r"多少(?!钱)[万亿天年]?元?|几(?:[天年点岁级度倍]|小时|分钟)|how much|数(?=是多少)"),
        ("spend", r"花了?多少钱?|花费|花销|花了|开销|支出|spent|spend|cost|costs|paid"),
        ("money", r"多少钱|贵|expensive|pay|price"),
        ("average", r"平均(?:值|数|下来)?|均值|人均|on average|averages?|mean|avg"),
        (
            "sum",
            r"合计|总计|总和|总额|总量|加起来|加在一起|加总|累计|共计|求和"
            r"|altogether|combined|in all|sum of|the sum|sum",
        ),
        ("sum", r"总(?=[^部监经裁公是在的])"),
        ("all", r"一共有?|总共有?|共有?|总数|总的来说|in total|totals?|overall"),
        (
            "max",
            r"最[高大多长久重贵]|maximum|highest|largest|biggest|greatest|longest|most expensive|priciest|most|max",
        ),
        ("min", r"最[低小少短轻]|最便宜|minimum|lowest|smallest|fewest|shortest|cheapest|least expensive|least|min"),
        ("first", r"最早|最先|earliest|oldest"),
        ("last", r"最晚|最新|latest|newest|most recent"),
        (
            "top",
            rf"(?:排名|排)?前(?P<n>\d{{1,2}}|{_NUMERAL})(?:[{CLASSIFIERS}大])?"
            r"|top (?P<n2>\d{1,2}|three|five|ten|two)",
        ),
        ("some", rf"(?P<n>{_NUMERAL}|\d{{1,2}})[{CLASSIFIERS}]|(?P<n2>two|three|four|five|ten)\b"),
        ("each", r"每(?:一)?[个家位名种类笔台款]?|各个?|按照?|分别|各自|per|by|for each|each|every|group(?:ed)? by"),
        ("which", r"哪(?:一|些|几)?[个家位名种类笔台款门张条单场部](?!门)|哪些|哪|which|what's|what’s|whats|what"),
        ("who", r"谁|who's|who’s|whose|who"),
        ("where", r"在?哪[里儿]|什么地方|where"),
        ("when", r"什么时候|哪一?[天年月日]|何时|几[号月]|when|what (?:day|date)"),
        ("people", r"员工|同事|人员|人(?![事力])|people|employees?|staff|colleagues?|members?|persons?"),
        (
            "not",
            r"不在|不是|不属于|不含|没有|没|非|未|除了|除|不包括|不|not|without|except(?: for)?|excluding|other than",
        ),
        ("but", r"以外|之外|外"),
        (
            "modal",
            r"可以|可不可以|能不能|能|允许|需要|需|要求|必须|应该|应当|多久|多长时间|上限|限额|我(?!们)|自己|可|要"
            r"|can|may|must|should|allowed|entitled|limits?|i|me|my|have to|need|could|do i|if|before|after|without",
        ),
        ("say", r"多少钱一[天晚个]|什么|怎么|如何|为什么|why|how|哪样"),
    )
)
"""What a stretch of a question is, in the order of preference where two are as long. A word of Latin letters has to end
where the stretch does."""

_STOP_PHRASES = """
请问 麻烦 不同的 不同 帮我 帮忙 给我 告诉我 我想知道 我想问 我想 我要查 我要 想问 想知道 查一下 查下 查查 查 看一下
看下 看看 看 算一下 算下 算算 算 统计一下 统计 数一下 列一下 列出来 列出 列 说说 知道 目前 现在 到现在
到目前为止 到底 大概 大约 所有 全部 整个 我们 咱们 公司 咱 你们 这些 那些 这个 那个 这张 那张 表格 表里
表中 表 里面 里头 里 中 其中 名单 清单 明细 数据 情况 是 有 的 了 呢 吗 啊 吧 呀 哦 嘛 在 和 跟 与
及 以及 或 就 都 还 也 又 把 被 给 对 于 从 到 来 去 上 下 做 当 属于 分布 负责 目前为止 买了 买
卖了 卖 下了 进行 合作 工作 办公 居 加 开始 一下 时候 那 这 哪 所 地 得 着 过 份 家 个 只 等
类 级 型 方面 之 其 该 每
"""
_STOP_WORDS = """
different distinct a an the of in on at to for from with and or is are was were be been do does did have has had
there we our us you your it its this that these those please tell show give list find let know all any so far now
currently still ones one's across held came come brought got get gets made make sold sell bought buy placed out as
whom their they them altogether only just some entries entry rows row records record items item then also into
during within took take takes taken
"""
STOP_PHRASES = frozenset(_STOP_PHRASES.split())
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""What says nothing of which rows are meant, or of what."""
GENERIC = frozenset(("记录", "条目", "行", "数据行", "entries", "entry", "rows", "row", "records", "record"))
"""Nouns that mean the rows of any table."""
PRICE_COLUMN = re.compile(r"价|price|fee|\bcost$")
PERSON_COLUMN = re.compile(
    r"姓名|名字|员工|负责人|保管人|使用人|经办人|联系人|申请人|销售员|讲师|assignee|owner|^name$|employee|\brep\b|person|staff"
    r"|trainer|manager|agent"
)
TYPE_COLUMN = re.compile(r"类型|类别|种类|分类|品类|category|type|kind")
PLACE_COLUMN = re.compile(r"城市|地区|地点|办公地|位置|地址|city|location|place|region|site|office")
MONEY_COLUMN = re.compile(
    r"金额|费用|总价|价格|花费|成本|原值|支出|销售额|营收|收入|薪|工资|预算|价|amount|cost|fee|price|revenue|sales|spend|expense"
    r"|salary|budget|value"
)
FIRST_MONEY = re.compile(r"金额|总价|总额|费用合计|amount|total|revenue")
QUANTITY_COLUMN = re.compile(r"^(?:数量|件数|台数|采购数量|购买数量|units?|qty|quantity|pieces)$")
HEADCOUNT_COLUMN = re.compile(r"人数|headcount|number of (?:people|employees)")
IS_MONEY = re.compile(r"总额|贵|便宜|expensive|cheap")
"""Words of an operation that say what is compared or added up as well."""
