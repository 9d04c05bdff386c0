"""What is seen in the files of shared/cases, which stand for kinds that other systems read wrongly."""

from benchmarks._reading_measures import Expected

CASES: dict[str, Expected] = {
    "01-text-box.docx": Expected(
        ("访客接待须知", "注意事项见右侧", "访客停车费每小时八元", "访客徽章须在离开时交还前台，遗失赔偿二十元")
    ),
    "02-tracked-changes.docx": Expected(
        (
            "周末加班补贴为每小时四十五元，次月发放。",
            "法定节假日加班须提前两天报备主管。",
            "夜班交通费凭票报销，上限八十元。",
        ),
        ("三十元",),
    ),
    "04-auto-numbering.docx": Expected(("第一条", "第二条", "第三条 旷工一天扣发当日工资的三倍", "违反第三条者")),
    "05-nested-table-and-header.docx": Expected(
        ("HR-2026-041", "高温津贴", "室外", "每月三百元", "室内", "每月二百元", "行政部"),
        (),
        (("室外", "每月三百元"), ("室内", "每月二百元")),
    ),
    "07-merged-cells.xlsx": Expected(
        ("2026年差旅住宿标准", "华东", "680", "450", "300", "西北", "520", "360"),
        (),
        (("华东", "员工", "450"), ("西北", "员工", "360")),
        ("地区", "职级", "旺季", "淡季"),
    ),
    "09-wrong-dimension.xlsx": Expected(
        ("三层", "保安甲", "八层", "全天", "保安乙", "保安丙"),
        (),
        (("八层", "全天", "保安乙"),),
    ),
    "10-number-formats.xlsx": Expected(("星河套餐", "12.5%", "¥30,000.00", "000482", "银河套餐", "8.0%", "000077")),
    "12-hidden-row.xlsx": Expected(("参加人数", "42", "负责人", "王工"), ("内部成本", "990000", "31000")),
    "13-page-in-a-form.html": Expected(("宿舍管理", "宿舍熄灯时间为晚上十一点半，违者记录一次。")),
    "15-short-gbk.txt": Expected(("离职员工须归还电脑、门禁卡和工牌，规格见附件。",)),
    "16-inline-picture.md": Expected(
        ("打印机首次使用须绑定工卡。", "彩色打印每页两元，从部门经费扣除。"), ("base64,",)
    ),
    "17-scan-with-stamp.pdf": Expected(
        (
            "Forklift speed limit is six kilometres per hour.",
            "Loading bay doors close at nineteen thirty.",
            "Report spills to the shift leader within ten minutes.",
        )
    ),
    "19-two-columns.pdf": Expected(
        (
            "员工因公借款须填写借款单，单笔不超过三千元，由主管签字。",
            "借款须在三十日内归还。",
            "各部门备用金上限为五千元，每季度末清点一次，差异须在两个工作日内说明。",
        )
    ),
    "20-smartart.pptx": Expected(("报销流程", "第一步由直属主管审核", "第二步由财务复核票据")),
    "21b-signs.md": Expected(("C++ 代码缩进为四个空格。", "C# 代码缩进为两个空格。")),
}
