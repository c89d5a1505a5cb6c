"""Papers of 1998 for the demonstration: their closed period is over, and some name a person.

Everything in them is invented; the numbers are the samples of `catalog/pii_kinds.csv`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """One document of the demonstration."""

    code: str
    title: str
    number: str  # 文号
    date: str
    retention: str
    form: str  # scan, tiff, pdf, docx, xlsx, txt, big5, eml
    paragraphs: Sequence[str]
    opening: str = "开放"
    pages: int = 1
    addressee: str = "各县（市、区）城市管理局，局属各单位："


def _old(at: int, title: str, date: str, form: str, *paragraphs: str) -> Paper:
    return Paper(
        f"Z109-WS·1998-Y-BGS-{at:04d}", title, f"示城管〔1998〕{at}号", date, "永久", form,
        paragraphs, opening="未审核",
    )  # fmt: skip


OLD_PAPERS = (
    _old(
        1, "关于补发环卫工人工资的批复", "19980312", "scan",
        "经研究，同意补发环卫工人张建国同志1997年度工资差额。",
        "姓名：张建国，身份证号：11010519491231002X，联系电话：13812345678。",
        "请财务科于4月底前办理完毕。",
    ),
    _old(
        2, "关于人民防空工程出入口管理的通知", "19980420", "scan",
        "为加强人民防空工程出入口的管理，现将有关事项通知如下。",
        "一、出入口周边二十米内不得堆放杂物、占道经营。",
        "二、各单位每季度检查一次，填写检查记录。",
    ),
    _old(
        3, "关于开展春季植树活动的通知", "19980305", "txt",
        "定于3月12日在沿河大街开展植树活动，请各单位组织职工参加。",
    ),
    _old(
        4, "关于整修沿河大街路面的报告", "19980618", "txt",
        "沿河大街全长二千一百米，路面破损严重，拟于7月整修，工期四十天。",
    ),
    _old(
        5, "关于城区公厕改造计划的请示", "19980702", "txt",
        "拟分三年改造城区公厕二十四座，所需经费请市财政予以安排。",
    ),
    _old(
        6, "关于夏季防汛值班安排的通知", "19980628", "txt",
        "7月1日至9月15日实行二十四小时值班，遇有险情立即报告。",
    ),
    _old(
        7, "关于规范沿街广告设置的通知", "19980810", "txt",
        "沿街广告应当整齐美观，不得遮挡交通标志和路灯。",
    ),
    _old(
        8, "关于垃圾清运车辆招标情况的报告", "19980903", "txt",
        "共收到三家单位的投标报价，评标情况见附件。",
    ),
    _old(
        9, "关于表彰一九九八年度环卫先进集体的决定", "19981120", "txt",
        "决定授予第一清洁队等五个集体先进集体称号。",
    ),
    _old(
        10, "关于处理一起举报的情况说明", "19981015", "txt",
        "收到举报信一封，反映摊位管理问题，经核查情况不实，已作说明。",
    ),
    _old(
        11, "关于印发路灯管理办法的通知", "19981208", "txt",
        "路灯管理办法已经局务会议讨论通过，现印发给你们。",
    ),
    _old(
        12, "关于做好年终统计工作的通知", "19981225", "txt",
        "请各单位于次年1月10日前报送统计报表。",
    ),
)  # fmt: skip
