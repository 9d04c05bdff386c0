"""Words that colleagues use for the same thing, in both languages: for search by words, where nobody asks in the words
of the document and no embedding model is at hand.

A line is one concept: its Chinese forms, a bar, its English forms; forms are separated by commas. General words of
working life only, nothing of one company. A form of a question also finds the others of its line, for less than itself
(`rag.index.local.bm25`), and counts as covered by them (`rag.retrieval.coverage`). A further language is a further
column.
"""

import re
from dataclasses import dataclass
from functools import cache

from rag.text.tokenizer import normalise, terms

WEIGHT = 0.5
"""What another form counts in a search, beside 1 for what the question says; chosen by benchmarks/answers.py."""
LINES = """\
年假,年休假,带薪假,带薪年假 | annual leave, vacation, paid leave, paid time off, pto, holiday allowance
请假,休假,休息,假期,假,不来上班 | leave, time off, day off, days off, off work
病假,生病,不舒服,身体不适,看病,看医生,发烧,感冒 | sick leave, sick day, ill, sick, unwell, see a doctor
事假,私事,个人原因 | personal leave, unpaid leave
婚假,结婚,领证 | marriage leave, wedding, get married
产假,生孩子,生娃,怀孕,孕妇,分娩,生育 | maternity leave, give birth, pregnant, have a baby, having a baby
陪产假,老婆生孩子,妻子生产,媳妇生娃,当爸爸 | paternity leave, new father
产检,产前检查,孕检 | prenatal checkup, antenatal
育儿假,带孩子,带娃,孩子小,照顾孩子 | parental leave, childcare leave
哺乳假,喂奶,哺乳 | nursing break, breastfeeding
丧假,去世,过世,走了,奔丧,葬礼 | bereavement leave, funeral, passed away
调休,补休,换休 | compensatory leave, comp day, comp time, time in lieu
结转,剩下,剩余,没休完,没歇完,没用完,留到,跨年,攒 | carry over, left over, unused, remaining, roll over
过期,作废,失效,清零,到期 | expire, expired, expiry, lapse, forfeited
法定节假日,节假日,公众假期,放假,春节,国庆 | public holiday, bank holiday, national holiday
加班,晚下班,干到很晚,干到半夜,熬夜 | overtime, work late, working late, extra hours
工资,薪水,薪资,薪酬,发钱,收入,月薪 | salary, pay, wage, wages, payroll, paycheck, get paid
发工资,发薪,发钱,工资发放,几号发 | payday, pay day, salary date, get paid
奖金,年终奖,年底奖金,红包 | bonus, year-end bonus
补贴,津贴,补助 | allowance, subsidy, stipend
公积金,住房公积金 | housing fund, provident fund
社保,社会保险,五险一金,五险 | social insurance, social security
税,个税,纳税 | tax, taxes, income tax
上班,到岗,工作时间,上班时间,到公司 | working hours, office hours, start work, come in
下班,离岗,回家 | finish work, end of the day, leave the office
打卡,签到,考勤,刷卡 | clock in, punch in, check in, attendance
补卡,忘打卡,忘记打卡,漏打卡 | missed punch, forgot to clock in, missing punch
迟到,晚到,来晚 | late, arrive late, coming late
旷工,无故缺勤,没来上班 | absent without leave, no-show
弹性,弹性工作,错峰 | flexible hours, flexitime, flextime
远程办公,居家办公,在家办公,在家上班,远程,居家 | remote work, work from home, working from home, wfh, remotely
出差,外地办公,公干,跑外地 | business trip, business travel, travelling for work, on a trip
报销,报账,报费用,给报,报吗,走报销 | reimburse, reimbursement, expense claim, claim back, expense report
发票,票据,凭证,单据,收据 | invoice, receipt, fapiao, voucher
发票抬头,抬头,开票 | invoice title, billing name, company name
税号,纳税人识别号 | tax number, tax id
期限,时限,截止,多久内,多长时间内,最晚 | deadline, time limit, due date, how soon, within, at the latest
逾期,超期,过了时间,晚交,拖 | overdue, past the deadline, too late
标准,限额,上限,额度,封顶,最多 | limit, cap, maximum, allowance, at most, up to
住宿,酒店,宾馆,旅馆,住店,房费 | hotel, accommodation, lodging, room rate
机票,飞机,航班,坐飞机 | flight, plane, air ticket, airfare
高铁,火车,动车,坐火车 | train, rail, high-speed rail
打车,出租车,网约车,叫车,滴滴,的士 | taxi, cab, ride hailing, uber, didi
停车,停车费,车位 | parking, car park
餐补,餐费,饭钱,饭补,吃饭,伙食 | meal allowance, per diem, meal, food
请客,招待,宴请,招待费,请客户吃饭 | entertain, client dinner, business meal, hospitality
礼品,礼物,送礼 | gift, present
借款,备用金,预支,先拿钱 | cash advance, advance payment, petty cash
审批,批准,签字,同意,批,谁批,拍板 | approve, approval, sign off, approver, authorise, authorize
申请,提交,办理,提单,走流程 | apply, request, submit, application
流程,步骤,手续,怎么办 | process, procedure, steps, how to
入职,报到,新员工,新人,刚来,第一天 | onboarding, new hire, new joiner, newcomer, first day, start date, join the company
离职,辞职,不干了,走人,退出公司 | resign, quit, leave the company, resignation, offboarding, last day
转正,试用期,试用 | probation, trial period, confirmation
实习生,实习 | intern, internship
外包,顾问,合同工,第三方人员 | contractor, outsourced, consultant, external staff
导师,师傅,带教,带新人 | mentor, buddy
主管,领导,老板,上级,经理,上司,头儿 | manager, boss, supervisor, line manager
总监,部门总监,部门负责人 | director, department head, head of department
人事,人力资源,人力 | hr, human resources
财务,财务部,会计 | finance, accounting
行政,行政部,前台 | reception, front desk, administration, admin office
合同,劳动合同,协议 | contract, employment contract, agreement
证明,开证明,收入证明,在职证明 | certificate, proof, letter of employment
培训,学习,上课,课程 | training, course, class, lesson
考核,绩效,评估,评价 | performance review, appraisal, evaluation
电脑,笔记本,笔记本电脑,本子,计算机,主机 | laptop, computer, notebook, pc, machine
显示器,屏幕,显示屏,外接屏 | monitor, screen, display
键盘,鼠标,外设 | keyboard, mouse, peripherals
手机,电话,移动电话 | phone, mobile, cell phone, smartphone
换新,更换,升级,换一台,换台 | replace, replacement, upgrade, new one
坏了,故障,损坏,打不开,开不了机,死机,坏掉,不能用,出问题 | broken, fault, not working, crash, damaged, fails
维修,修理,报修,修 | repair, fix, maintenance
丢失,丢了,遗失,弄丢,掉了,找不到,不见了 | lost, missing, lose, stolen
归还,退还,交回,还回去 | return, give back, hand in
密码,口令,登录密码 | password, passcode, login credentials
忘记密码,忘了密码,密码忘了,登不上,登录不了,进不去 | forgot password, cannot log in, locked out, reset password
锁定,锁住,锁了,被锁 | locked, lock, lockout
账号,帐号,账户,用户名 | account, user name, username, login
权限,访问权限,开权限,授权 | permission, access, access right, rights, role
动态码,验证码,双因素,二次验证,令牌 | authenticator, two-factor, 2fa, mfa, verification code, one-time code
网络,上网,联网,断网,没网 | network, internet, connection, offline
无线,无线网,无线网络,wifi,热点 | wi-fi, wifi, wireless
连不上,连接不了,连接失败,断开,掉线,断线 | cannot connect, can't connect, disconnect, connection drops, disconnected
慢,卡,很慢,太慢,卡顿 | slow, lag, laggy, sluggish
软件,程序,应用,装软件,安装 | software, application, app, install, program
邮箱,邮件,电子邮件,发邮件 | email, mailbox, mail, e-mail
附件,大文件,文件太大 | attachment, large file, file size
打印,打印机,复印,打印店,印 | print, printer, printing, photocopy, copy
卡纸,缺粉,没墨 | paper jam, jammed, toner
文件,文档,资料 | file, document, paperwork
备份,恢复,还原,误删,删了,找回 | backup, restore, recover, deleted, recovery
数据,信息 | data, information
机密,保密,绝密,敏感 | confidential, secret, classified, sensitive
泄露,外泄,误发,发错 | leak, breach, sent by mistake
钓鱼,可疑邮件,诈骗,骗子邮件 | phishing, suspicious email, scam, fraud
病毒,勒索,木马,中毒 | virus, malware, ransomware, infected
举报,上报,报告,反馈 | report, notify, escalate
会议室,开会的地方,订会议室,会议间 | meeting room, conference room, book a room
预订,预定,预约,订 | book, booking, reserve, reservation
会议,开会,例会 | meeting, conference, standup
访客,客人,来访,外人,来客,客户来访 | visitor, guest, visitors, someone visiting
参观,参访 | tour, visit, show around
工牌,门禁卡,门卡,员工卡,胸牌 | badge, access card, id card, key card, pass
忘带,没带,落家里 | forgot, left at home, without
补办,重办,重新办 | replacement, reissue, new card
钥匙,柜子,储物柜 | key, locker
名片 | business card, name card
文具,办公用品,笔,本子,便签 | stationery, office supplies, pen, notebook
快递,包裹,寄件,收件,邮寄 | courier, parcel, package, delivery, shipping
工位,座位,位子,桌子 | desk, seat, workstation
椅子,办公椅 | chair
食堂,餐厅,午餐,晚饭,晚餐 | canteen, cafeteria, lunch, dinner
电话,分机,热线,联系方式,打给谁,找谁 | phone number, extension, hotline, contact, whom to call, who to call
紧急,急,马上,加急 | urgent, emergency, immediately, asap
护照,签证,出国,境外,国外,海外 | passport, visa, abroad, overseas, foreign, international
行李,搬家,海运 | luggage, relocation, moving, freight
租房,房租,房补,住房补贴,租金 | rent, housing allowance, apartment, housing
保险,医疗保险,医保 | insurance, medical insurance, health insurance
体检,检查身体 | medical check, health check, physical examination
代码,源代码,源码,程序代码 | code, source code
代码库,仓库,版本库 | repository, repo, code base
评审,代码评审,审查,看代码,审代码 | review, code review, reviewer
合并,合代码,合进去,合入 | merge, merging
合并请求,提交代码,拉取请求 | merge request, pull request, mr, pr
分支,开分支 | branch, branches
测试,单元测试,覆盖率 | test, tests, testing, coverage
发布,上线,部署,发版,发版本 | release, deploy, deployment, rollout, go live, ship
回滚,回退,撤回,退回 | rollback, roll back, revert, undo
灰度,金丝雀,分批 | canary, gradual rollout, staged rollout
故障,事故,宕机,挂了,线上问题,炸了,崩了 | incident, outage, down, failure, broken in production
值班,轮值,oncall | on call, on-call, oncall, duty, duty roster
复盘,事后分析 | postmortem, retrospective, post-mortem
响应,回复,多久响应 | response time, respond, reply
告警,报警,警报 | alert, alarm, alarms
日志,记录 | log, logs, record
错误码,报错,错误,代码错误 | error code, error, fault code
接口,调用 | api, endpoint, interface
限流,频率,一秒钟,每秒 | rate limit, requests per second, throttling
令牌,密钥,凭据,证书 | token, key, secret, credential, certificate
轮换,更新,续期,延期,续 | rotate, renew, renewal, extend, refresh
网关,设备 | gateway, device
传感器,测点,采集点 | sensor, point, data point
保留,保存,存多久,存放 | retention, keep, kept, store, stored, how long
历史,以前,过去 | history, past, historical
重置,恢复出厂,清空 | reset, factory reset, wipe
版本,新版,旧版 | version, release
支持,技术支持,客服,售后 | support, customer service, technical support
客户,甲方,顾客 | customer, client
价格,多少钱,费用,收费,花费 | price, cost, fee, charge, how much
免费,不要钱,不收费 | free, free of charge, at no cost
赔偿,赔,扣钱,扣款,罚款 | compensation, pay for, deduct, fine, penalty
多少天,几天,天数 | how many days, number of days
地址,位置,在哪,地点,哪个楼 | address, location, where, place, building
时间,几点,什么时候,何时 | when, what time, opening hours, schedule
周末,礼拜六,礼拜天,星期六,星期天,休息日,双休 | weekend, saturday, sunday
礼拜,星期,每周 | week, weekly
晚上,夜间,夜里,半夜,深夜 | night, at night, late, evening
孩子,小孩,娃,宝宝,子女 | child, children, kid, baby
父母,爸妈,老人,爹妈 | parents, mother, father
妻子,老婆,媳妇,丈夫,老公,配偶,爱人 | wife, husband, spouse, partner
祖父母,爷爷,奶奶,外公,外婆,姥姥,姥爷,外祖父母 | grandfather, grandmother, grandparents
亲友,亲戚,朋友,表哥,同学家 | relatives, friends, family
员工,同事,职工,人员 | employee, staff, colleague, coworker
公司,单位,企业 | company, firm, employer
部门,团队,组 | department, team, group
办公室,办公区,公司里 | office, workplace
规定,制度,政策,规则,要求 | policy, rule, rules, regulation, requirement
禁止,不允许,不准,不能,不可以,不得 | forbidden, not allowed, prohibited, banned, must not
允许,可以,能不能,可不可以,行不行 | allowed, may, permitted, can i
"""


@dataclass(frozen=True, slots=True)
class Match:
    """A form of a concept at a place of a normalised question, and the other forms as the terms that each needs."""

    start: int
    end: int
    others: tuple[frozenset[str], ...]


def matches(question: str) -> list[Match]:
    """The concepts that a question names, longest forms first where they overlap, in no order that means anything.

    A form of several lines has the others of all of them.
    """
    text = normalise(question)
    lines: dict[tuple[int, int], list[int]] = {}
    for at, end, line in _occurrences(text):
        lines.setdefault((at, end), []).append(line)
    named: list[Match] = []
    taken = [False] * len(text)
    for at, end in sorted(lines, key=lambda place: place[0] - place[1]):
        if any(taken[at:end]):
            continue
        taken[at:end] = [True] * (end - at)
        if others := _others(text[at:end], lines[at, end]):
            named.append(Match(at, end, others))
    return named


def _others(own: str, lines: list[int]) -> tuple[frozenset[str], ...]:
    """The terms of each other form of these lines, once; not those of another spelling of the same terms."""
    forms = (form for line in lines for form in _concepts()[line])
    found = dict.fromkeys(_terms_of(form) for form in forms)
    return tuple(needed for needed in found if needed and needed != _terms_of(own))


def _occurrences(text: str) -> list[tuple[int, int, int]]:
    """(start, end, line) of every form in a text; a form in letters must stand between word ends."""
    return [
        (match.start(), match.end(), line)
        for line, pattern in enumerate(_patterns())
        for match in pattern.finditer(text)
    ]


@cache
def _concepts() -> list[tuple[str, ...]]:
    return [
        tuple(normalise(form.strip()) for form in line.replace("|", ",").split(",") if form.strip())
        for line in LINES.strip().split("\n")
    ]


@cache
def _patterns() -> list[re.Pattern[str]]:
    return [re.compile("|".join(map(_pattern, sorted(forms, key=len, reverse=True)))) for forms in _concepts()]


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    # Not \b: Chinese characters count as letters, and stand right beside English words.
    return rf"(?<![a-z0-9]){escaped}(?:s|es|d|ed|ing)?(?![a-z0-9])" if form[0].isascii() else escaped


@cache
def _terms_of(form: str) -> frozenset[str]:
    """All the terms that a text must hold to hold a form."""
    return frozenset(terms(form))
