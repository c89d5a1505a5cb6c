"""Lines with personal information and near misses, with the truth about each place.

Values and names are made by chance; nobody is meant.  Templates come in two sets: `TUNED` were
looked at while the rules were written; `HELD_OUT`, with names of their own, were written
afterwards, and no rule was changed for them.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from liandong.kernel.privacy.digits import credit_digit, luhn_digit, org_digit, resident_id_digit


@dataclass(frozen=True, slots=True)
class Truth:
    """A secret in a line."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, one line or two, and every secret in it."""

    text: str
    truths: tuple[Truth, ...]
    template: str


SURNAMES = (
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 "
    "袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 "
    "谭 廖 邹 熊 金 陆 郝 孔 白 崔 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 欧阳 司马 上官 诸葛 夏侯 令狐 "
    "尹 黎 常 武 乔 贺 赖 龚 文 庞 樊 兰 殷 施 陶 洪 翟 安 颜 倪 严 牛 温 芦 季 俞 章 鲁 葛 伍 韦 "
    "王 李 张 刘 陈 杨 赵 周 徐 孙 马 朱 胡 郭 高 梁 宋 唐 许 韩 冯 邓 彭 曾 肖 田 董 潘 袁 蔡 蒋 余 杜 戴 "
    "贺 邱 秦 付 代 侯 尚 聂 焦 柳 邢 路 岳 齐 毕 祁 管 卜 苗 靳 曲 裴 霍 隋 单 柴 车 解 滕 皇甫 慕容 尉迟 东方"
).split()
GIVEN = (
    "建国 建军 建华 国强 国庆 志强 志刚 志伟 志明 海涛 海燕 海波 秀英 秀兰 秀珍 桂英 桂兰 玉兰 玉梅 "
    "玉珍 淑芬 淑华 淑珍 凤英 凤兰 爱华 爱国 春梅 春燕 冬梅 红梅 丽娟 丽华 丽萍 小红 小明 晓东 晓燕 "
    "晓梅 文静 文博 子涵 子轩 梓萱 梓涵 浩宇 浩然 欣怡 雨桐 一诺 思远 宇航 俊杰 俊峰 家豪 嘉怡 雅婷 "
    "佳琪 佩佩 天佑 永强 永福 德胜 德福 长江 长海 学文 学军 新民 新华 立新 立国 树林 树森 福来 洪亮 "
    "振华 振宇 庆华 庆丰 广志 守信 守义 传芳 宗仁 怀玉 继红 令军 兆祥 其昌 光明 光辉 少华 少杰 正阳 "
    "伟 芳 娜 敏 静 丽 强 磊 洋 勇 艳 杰 娟 涛 超 明 霞 平 刚 辉 玲 军 燕 鹏 飞 斌 波 宁 慧 莹 雪 琳 "
    "晨 阳 健 凯 浩 帅 婷 颖 琪 倩 丹 萍 红 梅 峰 亮 鑫 龙 松 岩 旭 彬 蕾 薇 佳 欣 "
    "宝山 宝珍 金凤 金生 国栋 国梁 连生 连成 云飞 云霞 素云 素珍 凤霞 秋菊 月娥 美玲 美丽 翠兰 翠萍 巧云 "
    "大勇 大伟 小军 小芳 长青 长顺 玉成 玉山 文成 文革 卫东 卫国 向阳 向东 忠诚 忠义 仁杰 义军 礼贤 智勇 "
    "若曦 梦瑶 诗涵 语嫣 可馨 紫萱 俊熙 铭轩 睿哲 博文 天宇 泽洋 奕辰 沐阳 皓轩 煜城 艺涵 芷若 安然 乐怡 "
    "丙寅 庚申 冠军 胜利 跃进 援朝 解放 四清 双喜 满仓 有才 来顺 兴旺 茂才 化民 化龙 兰亭 传宝 维新 维民 "
    "义 忠 威 亚 兵 旺 庆 利 云 凤 琴 华 英 兰 莲 菊 萌 甜 悦 欢 阔 博 睿 卓 硕 朔 岚 薇 蓉 丁"
).split()
HELD_SURNAMES = (
    "李 王 张 刘 陈 杨 赵 黄 周 吴 孙 徐 马 朱 胡 郭 何 高 林 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 肖 田 董 袁 潘 "
    "于 蒋 蔡 余 杜 叶 程 苏 魏 吕 丁 任 沈 姚 卢 姜 崔 钟 谭 陆 汪 范 金 石 廖 贾 夏 韦 付 方 白 邹 孟 熊 秦 邱 江 "
    "尹 薛 闫 段 雷 侯 龙 史 陶 黎 贺 顾 毛 郝 龚 邵 万 钱 严 覃 武 戴 莫 孔 向 汤 常 温 康 施 文 牛 樊 葛 邢 安 齐 "
    "易 乔 伍 庞 颜 倪 庄 聂 章 鲁 岳 翟 殷 詹 申 欧 耿 关 兰 焦 俞 左 柳 甘 祝 包 宁 尚 符 舒 阮 柯 纪 梅 童 凌 毕 "
    "单 季 裴 霍 涂 成 苗 谷 盛 曲 翁 冉 骆 蓝 路 游 辛 靳 欧阳 司徒 上官 夏侯"
).split()
HELD_GIVEN = (
    "永 磊 静 敏 勇 波 斌 鹏 俊 凯 健 莉 洁 云 倩 帆 薇 彤 露 昊 卫 力 群 毅 江 群英 立军 立平 文斌 文涛 文杰 志国 志勇 "
    "志平 志远 玉珠 玉琴 玉华 玉英 玉莲 桂珍 桂花 桂荣 秀华 秀云 秀芳 秀荣 秀梅 淑英 淑兰 淑琴 淑敏 凤琴 凤珍 凤云 春花 "
    "春兰 春英 春华 冬生 秋生 夏雨 永生 永明 永刚 永红 永祥 国华 国平 国良 国荣 国民 国胜 建平 建新 建民 建明 建文 建伟 "
    "海军 海龙 海英 海霞 海洋 金龙 金平 金花 金玲 银河 德明 德华 德全 德才 德贵 荣华 荣生 福生 福贵 福祥 寿山 喜来 世明 "
    "世昌 世平 光荣 光华 光耀 兴华 兴国 家明 家旺 家宝 大海 大鹏 大军 小平 小龙 小兰 小丽 晓明 晓红 晓丽 晓峰 晓波 亚军 "
    "亚平 亚洲 艳红 艳梅 艳丽 雪梅 雪莲 雪峰 丽君 丽红 丽霞 美英 美兰 爱民 爱军 爱英 爱玲 宝林 宝珠 宝成 兆丰 兆祥 树森 "
    "树清 树人 若飞 若愚 思源 思雨 思琪 一鸣 一凡 子豪 子健 子怡 子睿 梦洁 梦琪 梦婷 雨欣 雨晴 雨泽 诗雨 诗琪 佳慧 佳宁 "
    "浩轩 浩楠 俊豪 俊凯 宇轩 宇辰 泽宇 泽林 明轩 明哲 天磊 天华 可心 可欣 紫薇 紫涵 语桐 静怡 静雯 欣妍 心悦 安琪 乐天"
).split()
_ROADS = "黄河五路 渤海七路 长江一路 解放路 人民大街 建设东路 世纪大道 虹桥路 文化巷 中山北路 学院路 和平街".split()
_PLACES = (
    "山东省滨州市滨城区 滨州市滨城区 滨城区 山东省滨州市惠民县 无棣县 上海市浦东新区 徐汇区 济南市历下区 "
    "北京市海淀区 河南省驻马店市确山县 江苏省南京市鼓楼区"
).split()
_TOWNS = "杨柳雪镇 秦皇台乡 彭李街道 市中街道 里则街道 石庙镇 胡集镇 小泊头镇".split()
_VILLAGES = "张家村 西沟村 大刘庄村 前进村 后孙家村 北郑村".split()
_ESTATES = "阳光花园 幸福小区 书香名邸小区 渤海明珠花园 锦绣家园".split()
_MAIL = "qq.com 163.com gmail.com 126.com sina.com.cn example.cn binzhou.gov.cn".split()
_REGIONS = (
    "371602 371621 110105 310115 412728 320106 510107 440305 130102 330106 610102 230103".split()
)
_BANKS = ("622202", "621700", "622848", "621661", "621226", "622588", "621799", "955880")
_PROVINCES = "鲁京津沪冀豫苏浙皖粤川湘鄂"


class Chance(random.Random):
    """Chance with the lists that names come from."""

    surnames = SURNAMES
    given = GIVEN


Maker = Callable[[Chance], str]


def _digits(chance: Chance, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _day(chance: Chance, first: int = 1935, last: int = 2008) -> str:
    return f"{chance.randint(first, last)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"


def name(chance: Chance) -> str:
    """A personal name."""
    return chance.choice(chance.surnames) + chance.choice(chance.given)


def spread_name(chance: Chance) -> str:
    """A name of two characters spread to three: 张　三."""
    surname = chance.choice([one for one in chance.surnames if len(one) == 1])
    given = chance.choice([one for one in chance.given if len(one) == 1])
    return surname + chance.choice("　 ") + given


def resident_id(chance: Chance) -> str:
    """18 characters with the right check digit."""
    first = chance.choice(_REGIONS) + _day(chance) + _digits(chance, 3)
    return first + resident_id_digit(first)


def resident_id_15(chance: Chance) -> str:
    """The old form."""
    return chance.choice(_REGIONS) + _day(chance, 1935, 1985)[2:] + _digits(chance, 3)


def permit(chance: Chance) -> str:
    """港澳台居民居住证."""
    first = chance.choice(("810000", "820000", "830000")) + _day(chance) + _digits(chance, 3)
    return first + resident_id_digit(first)


def foreign(chance: Chance) -> str:
    """外国人永久居留身份证."""
    first = "9" + chance.choice(("11", "31", "37")) + chance.choice(("156", "840", "392"))
    first += _day(chance) + _digits(chance, 3)
    return first + resident_id_digit(first)


def credit(chance: Chance) -> str:
    """统一社会信用代码."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    first = chance.choice(("91", "92", "11", "12", "52", "93")) + chance.choice(_REGIONS)
    first += "".join(chance.choice(letters) for _ in range(9))
    return first + credit_digit(first)


def org(chance: Chance) -> str:
    """组织机构代码."""
    first = _digits(chance, 8)
    return f"{first}-{org_digit(first)}"


def bank_card(chance: Chance) -> str:
    """16 or 19 digits that pass Luhn."""
    head = chance.choice(_BANKS)
    first = head + _digits(chance, (19 if head == "955880" else chance.choice((16, 19))) - 7)
    return first + luhn_digit(first)


def mobile(chance: Chance) -> str:
    """Eleven digits."""
    return chance.choice(("130", "138", "139", "150", "158", "176", "186", "199")) + _digits(
        chance, 8
    )


def landline(chance: Chance) -> str:
    """With an area code."""
    code = chance.choice(("0543", "010", "021", "0531", "0371"))
    number = chance.choice("2345678") + _digits(chance, 6 if len(code) > 3 else 7)
    form = chance.choice(("{}-{}", "{}{}", "({}){}", "{} {}", "（{}）{}", "{}－{}"))
    return form.format(code, number)


def plate(chance: Chance) -> str:
    """Blue or new-energy."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    head = (
        chance.choice(_PROVINCES) + chance.choice(letters[:20]) + chance.choice(("", "·", " ", "·"))
    )
    if chance.random() < 0.3:
        return f"{head}{chance.choice('DF')}{_digits(chance, 5)}"
    tail = list(_digits(chance, 5))
    for at in chance.sample(range(5), chance.randint(0, 2)):
        tail[at] = chance.choice(letters)
    return head + "".join(tail)


def passport(chance: Chance) -> str:
    """The electronic one."""
    return chance.choice(("E", "E", "EA", "EJ")).ljust(2, chance.choice("123456789")) + _digits(
        chance, 7
    )


def hkmo(chance: Chance) -> str:
    """港澳居民来往内地通行证."""
    return chance.choice("HM") + _digits(chance, 8)


def military(chance: Chance) -> str:
    """军官证."""
    return f"{chance.choice(('军', '政', '后', '南', '空', '海'))}字第{_digits(chance, chance.choice((6, 7, 8)))}号"


def email(chance: Chance) -> str:
    """An address of mail."""
    head = "".join(chance.choice("abcdefghklmnpqrstwxyz") for _ in range(chance.randint(3, 8)))
    return (
        f"{head}{chance.choice(('', '.', '_'))}{_digits(chance, chance.choice((0, 2, 4)))}@".replace(
            ".@", "@"
        ).replace("_@", "@")
        + chance.choice(_MAIL)
    )


def ipv4(chance: Chance) -> str:
    """An address of a machine."""
    return ".".join(str(chance.randint(11, 254)) for _ in range(4))


def mac(chance: Chance) -> str:
    """Six bytes."""
    mark = chance.choice(":-")
    return mark.join("".join(chance.choice("0123456789ABCDEF") for _ in range(2)) for _ in range(6))


def imei(chance: Chance) -> str:
    """15 digits that pass Luhn."""
    first = "86" + _digits(chance, 12)
    return first + luhn_digit(first)


def address(chance: Chance) -> str:
    """Down to a house or a flat."""
    place = chance.choice(_PLACES)
    match chance.randint(0, 3):
        case 0:
            return f"{place}{chance.choice(_TOWNS)}{chance.choice(_VILLAGES)}{chance.randint(1, 300)}号"
        case 1:
            flat = f"{chance.randint(1, 6)}单元{chance.randint(101, 1804)}室"
            return f"{place}{chance.choice(_ROADS)}{chance.randint(1, 900)}号{chance.choice(_ESTATES)}{chance.randint(1, 30)}号楼{flat}"
        case 2:
            return f"{place}{chance.choice(_ROADS)}{chance.randint(1, 900)}号{chance.choice('ABC')}座{chance.randint(101, 2804)}室"
        case _:
            return f"{place}{chance.choice(_ROADS)}{chance.randint(1, 900)}号"


def flat_address(chance: Chance) -> str:
    """Down to a flat."""
    return (
        f"{chance.choice(_PLACES)}{chance.choice(_ROADS)}{chance.randint(1, 900)}号"
        f"{chance.choice(_ESTATES)}{chance.randint(1, 30)}号楼{chance.randint(101, 1804)}室"
    )


def birth(chance: Chance) -> str:
    """A date of birth in one of its forms."""
    year, month, day = chance.randint(1935, 2008), chance.randint(1, 12), chance.randint(1, 28)
    return chance.choice((
        f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}.{month}.{day}",
        f"{year}年{month}月", f"{year}/{month}/{day}",
    ))  # fmt: skip


def child_id(chance: Chance) -> str:
    """The identity number of a child of today."""
    first = chance.choice(_REGIONS) + _day(chance, 2014, 2024) + _digits(chance, 3)
    return first + resident_id_digit(first)


# How values are written ---------------------------------------------------------------------------


def _grouped(text: str, sizes: tuple[int, ...], mark: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return mark.join([*parts, text[at:]] if at < len(text) else parts)


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _misread(chance: Chance, text: str) -> str:
    places = [at for at, sign in enumerate(text) if sign in "018"]
    letters = list(text)
    for at in chance.sample(places, min(len(places), chance.randint(1, 2))):
        letters[at] = {"0": chance.choice("Oo"), "1": chance.choice("lI"), "8": "B"}[letters[at]]
    return "".join(letters)


def _broken(chance: Chance, text: str) -> str:
    at = chance.randint(4, len(text) - 4)
    return f"{text[:at]}\n{text[at:]}"


def _later_bad_id(chance: Chance) -> str:
    return bad_id(chance)


MAKERS: Mapping[str, tuple[str, Maker]] = {  # placeholder → kind ("" for a near miss), value
    "name": ("person_name", name),
    "spread_name": ("person_name", spread_name),
    "id": ("resident_id", resident_id),
    "id_groups": ("resident_id", lambda c: _grouped(resident_id(c), (6, 8), " ")),
    "id_wide": ("resident_id", lambda c: _full_width(resident_id(c))),
    "id_x": ("resident_id", lambda c: resident_id(c).replace("X", "x")),
    "id_ocr": ("resident_id", lambda c: _misread(c, resident_id(c))),
    "id_broken": ("resident_id", lambda c: _broken(c, resident_id(c))),
    "id_wrong": ("resident_id", _later_bad_id),  # beside its label
    "child_id": ("resident_id", child_id),
    "id15": ("resident_id_15", resident_id_15),
    "permit": ("hmt_residence_permit", permit),
    "foreign": ("foreign_permanent_residence", foreign),
    "credit": ("uscc", credit),
    "credit_ocr": ("uscc", lambda c: credit(c).replace("0", "O", 1)),
    "credit_broken": ("uscc", lambda c: _broken(c, credit(c))),
    "org": ("org_code", org),
    "card": ("bank_card", bank_card),
    "card_groups": ("bank_card", lambda c: _grouped(bank_card(c), (4, 4, 4, 4), " ")),
    "card_broken": ("bank_card", lambda c: _broken(c, bank_card(c))),
    "mobile": ("mobile", mobile),
    "mobile_groups": ("mobile", lambda c: _grouped(mobile(c), (3, 4), c.choice(" -"))),
    "mobile_wide": ("mobile", lambda c: _full_width(mobile(c))),
    "mobile_ocr": ("mobile", lambda c: _misread(c, mobile(c))),
    "mobile_broken": ("mobile", lambda c: _broken(c, mobile(c))),
    "landline": ("landline", landline),
    "local": ("landline", lambda c: c.choice("2345678") + _digits(c, 6)),
    "plate": ("plate", plate),
    "passport": ("passport", passport),
    "old_passport": ("passport", lambda c: c.choice("GDSP") + _digits(c, 8)),
    "hkmo": ("hkmo_permit", hkmo),
    "military": ("military_id", military),
    "email": ("email", email),
    "ip": ("ipv4", ipv4),
    "mac": ("mac", mac),
    "imei": ("imei", imei),
    "address": ("address", address),
    "flat": ("address", flat_address),
    "birth": ("birth_date", birth),
}


# Near misses --------------------------------------------------------------------------------------


def bad_id(chance: Chance) -> str:
    """A wrong check digit."""
    good = resident_id(chance)
    return good[:-1] + chance.choice([sign for sign in "0123456789" if sign != good[-1]])


def _bad_date(chance: Chance) -> str:
    first = (
        chance.choice(_REGIONS)
        + f"{chance.randint(1940, 2000)}{chance.choice(('0230', '1332', '0431', '0000'))}"
    )
    first += _digits(chance, 3)
    return first + resident_id_digit(first)


def _bad_card(chance: Chance) -> str:
    good = bank_card(chance)
    return good[:-1] + str((int(good[-1]) + chance.randint(1, 9)) % 10)


def _bad_credit(chance: Chance) -> str:
    good = credit(chance)
    return good[:-1] + chance.choice([sign for sign in "0123456789ABCDEFGH" if sign != good[-1]])


_WORDS = (
    "高兴 方法 白天 方案 安全 平台 时间 文件 文化 水平 项目 任务 预算 经费 金额 程度 关键 应急 成果 常委 马路 "
    "石油 田野 江河 黄河 山东 万元 单位 华东 汪洋 雷雨 花园 路口 段落 温度 严格 方便 和平 明确 成立 全年 高峰 "
    "武术 白酒 牛奶 金融 章程 许可 贺信 施工 牛肉 管理 连续 范围 曾经 余额 包括 毛巾 古城 胡同 祝贺 安装"
).split()
_WORDS_3 = (
    "高新区 方便面 白皮书 金融办 水利局 安全员 平均值 石家庄 马拉松 黄金周 成绩单 万能表 常委会 项目部 江苏省 "
    "程序员 温泉镇 华侨城 白云山 高中生 文化馆 明细表 于家村 章丘区 牛肉面 金银花 管委会 万寿菊 龙头企"
).split()
_BODIES = (
    "方圆建材有限公司 马家沟村民委员会 高新技术产业开发区 石家庄市公安局 金盾保安公司 万达商业管理公司 王府井百货 "
    "张裕酿酒公司 李宁体育用品公司 黄河水利委员会 白云机场 陈家庄小学 同仁堂药店 周大福珠宝 江南春酒店"
).split()
NEAR_MISSES: Mapping[str, Maker] = {
    "bad_id": bad_id,
    "id_17": lambda c: resident_id(c)[:-1],
    "id_19": lambda c: resident_id(c)[:-1].replace("X", "1") + _digits(c, 2),
    "bad_date_id": _bad_date,
    "bad_region_id": lambda c: "90" + resident_id(c)[2:],
    "bad_card": _bad_card,
    "bad_credit": _bad_credit,
    "not_mobile": lambda c: c.choice(
        (
            "12" + _digits(c, 9),
            mobile(c)[:-1],
            mobile(c) + _digits(c, 1),
            "10" + _digits(c, 9),
        )
    ),
    "amount": lambda c: c.choice(
        (
            f"{mobile(c)}元",
            f"￥{mobile(c)}",
            f"{mobile(c)}.00",
            f"{mobile(c)[:5]}.{_digits(c, 2)}万元",
            f"{c.randint(1, 999)},{_digits(c, 3)},{_digits(c, 3)}.00",
        )
    ),
    "case": lambda c: (
        f"（{c.randint(2005, 2025)}）鲁{c.randint(1600, 1629)}民初{c.randint(1, 9999)}号"
    ),
    "document": lambda c: (
        f"{c.choice(('滨政发', '鲁政办字', '滨财预', '惠政字'))}〔{c.randint(1990, 2025)}〕{c.randint(1, 300)}号"
    ),
    "stamp": lambda c: (
        _day(c, 1990, 2025) + f"{c.randint(0, 23):02}{c.randint(0, 59):02}{c.randint(0, 59):02}"
    ),
    "date": lambda c: c.choice(
        (_day(c, 1990, 2025), f"{c.randint(1990, 2025)}年{c.randint(1, 12)}月{c.randint(1, 28)}日")
    ),
    "serial": lambda c: c.choice(("SN", "HT-", "NO-A", "SKU")) + mobile(c),
    "barcode": lambda c: "69" + _digits(c, 11),
    "file_code": lambda c: (
        f"Z{c.randint(100, 199)}-WS·{c.randint(1990, 2025)}-{c.choice(('Y', 'D30', 'D10'))}-BGS-{c.randint(1, 9999):04}"
    ),
    "paper_code": lambda c: c.choice("GDSP") + _day(c, 1990, 2025),
    "clause": lambda c: (
        f"第{c.randint(1, 9)}.{c.randint(1, 9)}.{c.randint(1, 9)}.{c.randint(1, 20)}条"
    ),
    "version": lambda c: (
        f"V{c.randint(1, 9)}.{c.randint(0, 20)}.{c.randint(0, 20)}.{c.randint(0, 400)}"
    ),
    "bad_ip": lambda c: (
        f"{c.randint(256, 999)}.{c.randint(0, 99)}.{c.randint(300, 999)}.{c.randint(0, 99)}"
    ),
    "clock": lambda c: ":".join(f"{c.randint(0, 59):02}" for _ in range(c.choice((3, 5)))),
    "bad_plate": lambda c: (
        c.choice(_PROVINCES) + c.choice("ABCIO") + c.choice(("·", "")) + _digits(c, 3)
    ),
    "word": lambda c: c.choice(_WORDS),
    "word3": lambda c: c.choice(_WORDS_3),
    "body": lambda c: c.choice(_BODIES),
    "someone": lambda c: c.choice(SURNAMES) + c.choice(("某", "某某")),
    "office": lambda c: f"{c.choice(_PLACES)}{c.choice(_ROADS)}{c.randint(1, 900)}号",
    "post": lambda c: c.choice(("市长", "局长", "办公室主任", "党委书记", "副县长")),
    "region": lambda c: c.choice(_REGIONS) + _digits(c, 6),
    "fifteen": lambda c: c.choice("789") + _digits(c, 14),
    "order": mobile,
    "account": lambda c: "1613" + _digits(c, 15),
    "number": lambda c: str(c.randint(1, 9999)),
}

TUNED = """
姓名：{name} 性别：男 身份证号：{id}
姓名:{name}，联系电话:{mobile}
申请人：{name}，女，{birth}出生，住{address}。
申请人{name}于2019年提出申请，身份证号码{id}。
联系人：{name}　电话：{landline}
联系人：{name}、{name}
法定代表人：{name}，统一社会信用代码：{credit}
{name}，男，汉族，{birth}生，住{address}
{number} {name} 男 {id} {mobile}
{name} {mobile}
{spread_name}　{mobile}
姓名 {spread_name}
经调查，{name}同志工作积极。
请{name}先生尽快到窗口办理。
{name}（身份证号：{id}）系本村村民。
身份证号{id_groups}
公民身份号码：{id_wide}
证件号码 {id_x}
身份证号：{id_ocr}
其身份证号码为{id_broken}，已核对。
身份证号码：{id_wrong}
出生日期：{birth}
户籍地址：{address}
现住址：{flat}
家庭住址
{flat}
家住{flat}的居民反映噪声问题。
手机：{mobile_groups}
手机号码：+86 {mobile}
手机（+86）{mobile}
电话：{mobile_wide}
联系方式：{mobile_ocr}
联系电话{mobile_broken}
{mobile}、{mobile}
值班电话：{landline}，传真：{landline}
电话：{local}
银行卡号：{card}
开户行：中国银行，卡号{card_groups}
工资卡：{card_broken}
{card}
社会信用代码 {credit_ocr}
{credit_broken}
组织机构代码：{org}
车牌号：{plate}
{plate}小型轿车违停
护照号：{passport}
持护照{old_passport}入境
回乡证号：{hkmo}
军官证：{military}
电子邮箱：{email}
请发至{email}或致电{mobile}。
IP地址：{ip}
登录自{ip}
MAC：{mac}
设备IMEI：{imei}
港澳台居民居住证号码：{permit}
永久居留身份证号：{foreign}
15位身份证号：{id15}
原身份证号{id15}已升位
患者{name}，确诊糖尿病，住院号{number}
学生{name}，身份证号{child_id}
~编号{bad_id}
~序列{id_17}
~流水{id_19}
~{bad_date_id}
~{bad_region_id}
~单据{bad_card}已作废
~代码{bad_credit}
~号码{not_mobile}
~合同金额{amount}
~{case}民事判决书
~根据{document}文件精神
~生成时间{stamp}
~日期{date}
~设备编号{serial}
~商品条码{barcode}
~档号{file_code}
~资料{paper_code}
~按照{clause}规定
~软件版本{version}
~{bad_ip}
~会议于{clock}开始
~牌号{bad_plate}
~{word}
~大家都很{word}，{word}很好
~{word} {word} {word}
~{word3} {number}
~{body}提交了申请
~申请人：{body}
~联系人：办公室
~{someone}诉{someone}离婚纠纷
~办公地址：{office}
~{post}主持会议
~区划代码{region}
~订单号：{order}
~成立日期：{date}
~加强糖尿病防治宣传
~各位老师、全体同志
~对公账户{account}
~{fifteen}
兹证明我单位职工{name}，身份证号码{id}，月收入5000元。
委托书：本人{name}（公民身份号码{id}），现委托{name}办理。
{name}：您好，您反映的问题已转{body}处理。
会议由张主任主持，{name}、{name}参加了会议。
付款至{name}账户，账号{card}，开户行工商银行滨州分行。
原告{name}，男，{birth}出生，汉族，农民，住{address}。
被告人{name}，绰号小六，因涉嫌盗窃罪被刑事拘留。
投诉人{name}来电（{mobile}），称楼上漏水。
请与{name}联系，手机{mobile}，邮箱{email}。
乘客{name}，护照{passport}，航班CA1234。
监护人：{name}；与儿童关系：母亲；电话：{mobile}。
{name}|女|{birth}|{id}|{mobile}
1、{name}，{mobile}；2、{name}，{mobile}。
寄：{flat} {name} 收 {mobile}
签字：{name} 2023年5月6日
主治医师：{name}
户主{name}，家庭人口4人，低保户。
{name}与{name}系夫妻关系。
肇事车辆{plate}，驾驶员{name}，持C1证。
Tel: {mobile}
Name: {name}
Mobile:+86-{mobile}
ID No. {id}
身份证件类型及号码：居民身份证 {id}
（手机）{mobile}（座机）{landline}
热线{landline}
邮箱 {email}；微信 {mobile}
其妻{name}，{birth}生，现居{flat}。
本人于{birth}出生于山东惠民。
机主{name}，串号（IMEI）{imei}
网卡地址 {mac} 分配 {ip}
代码证号 组织机构代码 {org}
信用代码：{credit} 类型：个体工商户
持卡人姓名 {name} 卡号 {card_groups}
本市居民{name}持{id}号身份证前来登记。
来访登记 {name} {id} 反映低保问题
现将拟录用人员{name}（准考证号{number}）予以公示
授予{name}“劳动模范”称号
免去{name}的副局长职务
~项目总投资{amount}，其中中央资金占30%
~工程编号 {stamp} 已验收
~我局高度重视，{word}部署，{word}推进
~{body}与{body}签订合同，编号{serial}
~{word3}、{word3}负责落实
~见{case}裁定
~附件：{document}
~经度117.{number} 纬度37.{number}
~ISBN 978-7-{number}-{number}-1
~运单号 {bad_card}
~{number} {number} {number} {number} {number}
~统计表 {bad_id} 行
~{post}、{post}出席
~坚持以人民为中心，{word}第一
~地点：{office}会议室
~税号{bad_credit}
~快递单号：{not_mobile}
~系统{version}升级，端口8080
~参见{clause}、{clause}
~图号 {paper_code}
~开放时间 {clock}
~张三丰太极拳协会举办活动
~高考于{date}举行
~宋代瓷器、唐诗、元曲展览
~万里长城、江山如画、马到成功
~金山银山就是绿水青山
~李子、杨梅、石榴、白菜价格平稳
~何时、何地、何人、何事
甲方（出租方）：{name}　身份证：{id}
乙方{name}承包土地12.5亩，承包期限三十年，联系电话{mobile}。
今收到{name}交来房租款2000元整。
借条：今借到{name}现金伍万元整，借款人：{name}，{id}。
公证书：申请人{name}，男，{birth}出生，公民身份号码：{id}。
新郎{name}，新娘{name}，于2018年登记结婚。
报警人称其父{name}走失，身穿蓝色上衣，请拨打{mobile}。
现任命{name}为综合科科长，试用期一年。
{name}、{name}、{name}等三人到会。
出席：{name} {name} {name}
住院病人{name}，女，{birth}出生，诊断为高血压，家属电话{mobile}。
考生{name}准考证号{number}，证件号码：{id}
快递员{name}，{mobile}，车牌{plate}。
班主任：{name}，办公电话：{landline}
退款账户：{card}，户名：{name}，开户行：建设银行。
请转账到 {card_groups}（{name}）
微信号{mobile}，加好友备注姓名
手机号{mobile_groups}已停机
客户{name}来信反映：本人家住{flat}，夜间施工扰民。
收货地址：{address}，收货人{name}，{mobile}
通讯地址：{address} 邮编256600
不动产坐落：{address}
E-mail：{email}
联系邮箱{email}，联系电话（{landline}）
学籍信息：{name}，{child_id}
台胞证：{hkmo}
护照号码为{passport}的旅客
车辆{plate}在滨州西收费站缴费
号牌为“{plate}”的车辆
服务器{ip}被扫描，源MAC地址{mac}
纳税人识别号：{credit}
营业执照（统一社会信用代码：{credit}）
军人证件：{military}
手机IMEI号{imei}
居住证号 {permit}
永居证 {foreign}
组织机构代码证号：{org}
户籍登记：{name}，{id15}
身份证{id_ocr}经核验
证号：{id_broken}
借记卡号 {card_broken}
身份证号 {id_wrong}（核验未通过）
审计组组长：{name}；成员：{name}、{name}
记录：{name}　校对：{name}
被继承人{name}于2001年去世，其子{name}放弃继承。
与{name}同住的{name}证实了上述情况。
~批准文号{document}，有效期至{date}
~本案案号为{case}，书记员送达
~中标金额人民币{amount}
~固定资产编号{serial}
~流水号{stamp}
~测点{number}-{number}，桩号K{number}+{number}
~{body}、{body}等单位参加了会议
~{word}工作和{word}工作同部署
~卷内目录 {file_code} {word}
~{word}|{word3}|{word}
~开放{word}，促进{word}
~订单{id_19}已取消
~样本号{id_17}
~检验批号{bad_date_id}
~回执{bad_card}
~登记证{bad_credit}
~短信通道{not_mobile}
~网址 http://192.168.{number}/index?id={order}
~执行{clause}第{number}款
~固件{version}
~直播时间{clock}
~药品批准文号国药准字H{number}{number}
~王府井、李家沱、张家界、周口店
~高山流水、白驹过隙、金玉满堂
~春耕、夏耘、秋收、冬藏
~马铃薯、黄瓜、白萝卜、石斑鱼
~江苏、安徽、江西、湖北
~强化担当，严格执法，热情服务
~该同志表现良好，经考察同意
~全体党员、干部、职工
~单位：{body}　地址：见附件
~时任领导、负责同志、有关人员
~办公地点：{office}
~孔子、孟子、庄子、老子
~毛笔、墨汁、宣纸、石砚
"""
HELD_OUT = """
现有我县居民{name}（身份证号{id}）申请办理老年优待证。
联络员：{name}，手机{mobile}
{name}的母亲{name}今年72岁，住{address}。
经手人 {name}
发包方代表：{name}（签章）
转账备注：{name}学费
乘车人{name}，证件号{id}，座位5车12A
讲解员{name}带领大家参观了展览。
车辆登记所有人：{name}，号牌号码：{plate}
与会者有{name}、{name}、{name}。
一等奖：{name}　二等奖：{name}、{name}
失主{name}于当日到派出所报案，电话{mobile}。
村支书{name}向调查组反映了情况。
申诉人{name}，男，{birth}生，现羁押于看守所。
遗嘱执行人：{name}；遗产管理人：{name}
住户{name}家中漏水，地址：{address}
预约人：{name}，预约手机：{mobile_groups}
收款人姓名：{name}；账号：{card}
体检人{name}，{id}，体检日期2021年3月4日
学生家长{name}来校反映情况，联系方式{mobile}
附：{name}身份证复印件（{id}）
{name}同学被评为三好学生。
此致 {name}女士
致{name}先生的一封信
公司监事{name}，持股30%
保单号8800123，投保人{name}，被保险人{name}，出生日期{birth}
寄件地址：{address}，寄件人电话{landline}
入境人员持{passport}号护照
驾驶鲁籍车辆{plate}上路
发送至{email}信箱
日志：{ip} 登录失败 3 次
交换机端口绑定{mac}
个体户信用代码{credit}
港澳通行证{hkmo}
士官证：{military}
号码{mobile_wide}机主未实名
社保卡银行账号{card_groups}
老身份证{id15}，新证{id}
核对{id_ocr}无误
续表{id_broken}合计
~合同编号{serial}，签订日期{date}
~依照{document}第三条
~受理{case}一案
~项目代码2019-{region}-48-03-{number}
~预算{amount}，结余{amount}
~传感器读数{number} {number} {number} {number}
~卡片序号{bad_card}
~作废证号{bad_id}
~凭证{stamp}
~机号{not_mobile}
~车牌{bad_plate}识别失败
~主送：{body}，抄送：{body}
~{word}、{word}、{word}
~名称：{word3}
~种类：{word}
~备注：{word3}
~坐落于{office}的办公楼
~第一章 总则 第二章 {word} 第三章 {word}
~周三上午、周四下午、周五全天
~金华、温州、安康、常德
~和谐社会、平安中国、文明城市
~白露、秋分、寒露、霜降
~党员干部、人民群众、团员青年
~章节、段落、字句、标点
~严肃纪律，端正作风，务求实效
~石墨、石英、白云石、方解石
~马鞍山、牛首山、鸡鸣山
~样品{id_17}号
~条码{barcode}
~固定资产{file_code}
"""
_SLOT = re.compile(r"\{(\w+)\}")


def samples(count: int, *, held_out: bool = False, seed: int = 11) -> Iterator[Sample]:
    """So many samples of one set of templates, every template in turn; the same for one seed."""
    chance = Chance(seed)
    if held_out:
        chance.surnames, chance.given = HELD_SURNAMES, HELD_GIVEN
    templates = templates_of(HELD_OUT if held_out else TUNED)
    for number in range(count):
        yield fill(templates[number % len(templates)], chance)


def templates_of(text: str) -> list[str]:
    """One template per line; a line after 家庭住址 belongs to it."""
    return text.strip().replace("家庭住址\n", "家庭住址\\n").splitlines()


def fill(template: str, chance: Chance) -> Sample:
    """One sample of a template."""
    text, truths, at = "", [], 0
    plain = template.removeprefix("~").replace("\\n", "\n")
    for slot in _SLOT.finditer(plain):
        text += plain[at : slot.start()]
        kind, value = _value(slot[1], chance)
        if kind:
            truths.append(Truth(kind, len(text), len(text) + len(value)))
        text, at = text + value, slot.end()
    return Sample(text + plain[at:], tuple(truths), template)


def _value(slot: str, chance: Chance) -> tuple[str, str]:
    if slot in MAKERS:
        kind, maker = MAKERS[slot]
        return kind, maker(chance)
    return "", NEAR_MISSES[slot](chance)
