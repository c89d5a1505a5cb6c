"""A demonstration hand-over, drawn and written by this module, and demonstration accounts.

Everything in it is invented: the city, its bodies and its papers.  Without a Chinese font on the
machine the scans are left out and that is said.
"""

import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings
from django.db import transaction

from liandong.archive.models import RetentionRule
from liandong.archive.services.holdings import keep_fonds, keep_in_store
from liandong.base.models import Role, Unit
from liandong.base.people.services.accounts import OFFICER_NAMES
from liandong.base.people.services.bootstrap import keep_demo_account
from liandong.intake.models import Batch, ItemState
from liandong.intake.services.decide import accept
from liandong.intake.services.drive import drive
from liandong.intake.services.receive import incoming_files, receive

from .demo_cases import FIRST_CASE, load_cases
from .demo_community import load_community
from .demo_papers import OLD_PAPERS, Paper
from .server import DEMO_PASSWORD

FONDS = "Z109"
BODY = "示范市城市管理局"
HEAD = ("档号", "题名", "文号", "责任者", "日期", "密级", "保管期限", "页数", "开放标识", "备注")
A4 = (1654, 2339)  # pixels at 200 dpi
FONT_PLACES = (
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
)
FONT_ADVICE = "未找到中文字体，演示中略去扫描件。安装：apt-get install fonts-noto-cjk"


PAPERS = (
    Paper(
        "Z109-WS·2023-Y-BGS-0001", "关于加强窨井盖安全管理的通知", "示城管〔2023〕15号", "20230506", "永久", "scan",
        (
            "为保障群众脚下安全，现就加强全市窨井盖安全管理有关事项通知如下。",
            "一、开展普查建档。各单位要在6月底前完成辖区窨井盖普查，逐一编号、定位、拍照，明确权属单位和管护责任人。",
            "二、畅通发现渠道。鼓励快递员、外卖骑手等新就业群体通过随手拍反映窨井盖破损、缺失、松动等问题，接报后2小时内到场设置警示标志，24小时内修复。",
            "三、落实闭环办理。从发现、处置、核查到反馈、激励，每一步都要留有记录；未经第三方核查不得结案。",
            "四、做好资料归档。办结事项应当整理归档，永久保存普查底册，定期分析高发路段和高发时段。",
        ),
        pages=2,
    ),
    Paper(
        "Z109-WS·2023-Y-BGS-0002", "关于做好2023年汛期城市排水防涝工作的通知", "示城管〔2023〕18号", "20230601", "永久", "pdf",
        (
            "据气象部门预测，今年汛期我市降水偏多。为确保城市安全度汛，现通知如下。",
            "一、全面排查隐患。重点检查下穿立交、低洼小区、施工工地和排水泵站，建立隐患台账。",
            "二、清淤疏浚管网。6月15日前完成主干管网清淤，及时更换破损井盖和雨水箅子。",
            "三、强化值班值守。严格执行24小时值班和领导带班制度，遇有险情立即报告。",
        ),
    ),
    Paper(
        "Z109-WS·2023-Y-BGS-0003", "关于印发《随手拍事项办理规程（试行）》的通知", "示城管〔2023〕22号", "20230710", "永久", "docx",
        (
            "《随手拍事项办理规程（试行）》已经局务会议研究通过，现印发给你们，请遵照执行。",
            "第一条 随手拍事项实行首接负责、限时办结、独立核查、群众评价。",
            "第二条 受理员应当在30分钟内完成审核分派，并写明责任单位和依据条款。",
            "第三条 承办单位应当上传处置前后照片。核查人不得与承办人为同一人或者同一单位。",
            "第四条 经核查通过的事项，按规定给予上报人积分激励，可在驿站兑换服务。",
        ),
    ),
    Paper(
        "Z109-WS·2023-D30-YWK-0001", "2023年人民路沿线窨井盖普查登记表", "", "20230620", "30年", "xlsx",
        ("编号,位置,权属单位,状况", "RM-001,人民路与渤海路口,排水公司,完好", "RM-002,人民路128号门前,通信公司,松动", "RM-003,人民路小学东侧,热力公司,破损"),
    ),
    Paper(
        "Z109-WS·2023-D30-YWK-0002", "关于人民路窨井盖破损处置情况的报告", "示城管字〔2023〕31号", "20230816", "30年", "tiff",
        (
            "8月12日晚，骑手通过随手拍反映人民路小学东侧窨井盖破损。接报后，值班人员于21时10分到场设置围挡。",
            "经查，该井盖权属热力公司。8月13日6时更换完毕，经街道核查人员现场核查，符合要求。",
            "此次处置用时9小时，较规定时限缩短15小时。拟将人民路沿线列入重点巡查路段。",
        ),
        pages=2, addressee="市人民政府：",
    ),
    Paper(
        "Z109-WS·2023-D30-YWK-0003", "快递外卖企业座谈会纪要", "", "20230905", "30年", "txt",
        (
            "9月5日下午，我局召开快递外卖企业座谈会。会议听取了企业在停车、充电、进小区等方面的诉求。",
            "会议议定：一是在商圈增设骑手临时停车点20处；二是开放18处驿站供骑手休息、饮水、充电；三是建立企业诉求清单，逐条挂账，每月追踪，办结销号。",
        ),
        opening="未审核",
    ),
    Paper(
        "Z109-WS·2023-D10-BGS-0001", "关于召开档案工作会议的函", "", "20230912", "10年", "eml",
        ("定于9月20日上午9时召开全局档案工作会议，请各科室兼职档案员参加。", "会议议题：2022年度归档文件移交；电子文件四性检测培训。"),
    ),
    Paper(
        "Z109-WS·2023-D10-BGS-0002", "舊縣志道路橋梁卷摘錄", "", "20231008", "10年", "big5",
        ("東門大街，長三里，舊為土路，雍正年間鋪以青石。", "濟安橋在城西五里，橋下舊有水閘，民國時重修。"),
    ),
)  # fmt: skip


def load_demo(
    *,
    clock: Callable[[], datetime],
    progress: Callable[[int, int], None],
    say: Callable[[str], None],
) -> bool:
    """Load the demonstration unless its fonds is there; returns whether anything was loaded.

    A kill in the middle is made good by the next call: accounts and fonds are written again, and
    a batch that was received goes on.
    """
    done = settings.HOME / "demo.done"
    if done.exists():
        return False
    now = clock()
    unit = _people(now)
    fonds = _fonds(unit, now)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        font = find_font()
        if font is None:
            say(FONT_ADVICE)
        for label, write in (
            ("2023年度文书档案", _write_good),
            ("2023年度补充移交", _write_faulty),
            ("1998年度文书档案", _write_old),
        ):
            source = folder / label
            source.mkdir()
            write(source, font)
            batch = Batch.objects.filter(name=label, fonds=fonds).first() or receive(
                incoming_files(source), name=label, by="clerk", now=now, fonds=fonds, unit=unit
            )
            drive(batch.pk, by="system", clock=clock, progress=progress)
            if write is not _write_faulty:
                waiting = batch.items.filter(state=ItemState.WAITING).values_list("pk", flat=True)
                accept(list(waiting), by="archivist", now=clock())
                drive(batch.pk, by="system", clock=clock, progress=progress)
    load_cases(clock())
    load_community(FIRST_CASE, clock())
    done.touch()
    return True


@transaction.atomic
def _people(now: datetime) -> Unit:
    """Units and accounts of the demonstration: the three officers, a director, staff, a reader."""
    archives, office, other = (
        Unit.objects.get_or_create(code=code, defaults={"name": name})[0]
        for code, name in (
            ("SFDAG", "示范市档案馆"), ("SFCGJ", BODY), ("SFZJJ", "示范市住房和城乡建设局"),
        )
    )  # fmt: skip
    for name, full_name, unit, clearance, role in (
        ("archivist", "档案馆员（演示）", archives, 2, Role.ARCHIVIST),
        ("archivist2", "复审人员（演示）", archives, 2, Role.ARCHIVIST),
        ("director", "档案馆负责人（演示）", archives, 2, Role.DIRECTOR),
        ("clerk", "兼职档案员（演示）", office, 1, Role.CLERK),
        ("clerk2", "住建局兼职档案员（演示）", other, 1, Role.CLERK),
        ("reader", "查档人（演示）", None, 0, Role.READER),
        ("terminal", "阅览室一号机（演示）", None, 0, Role.READER),
    ):
        keep_demo_account(
            name, full_name=full_name, password=DEMO_PASSWORD, now=now, role=role, unit=unit,
            clearance=clearance,
        )  # fmt: skip
    for officer, name in OFFICER_NAMES.items():
        keep_demo_account(
            name, full_name=f"{officer.label}（演示）", password=DEMO_PASSWORD, now=now,
            officer=officer.value,
        )  # fmt: skip
    return office


def _fonds(unit: Unit, now: datetime):  # type: ignore[no-untyped-def]
    fonds = keep_fonds(FONDS, title=f"{BODY}（演示）", by="system", now=now, unit=unit)
    rules = (
        ("1.1", "本机关制发的规范性文件、重要通知", "规程|办法|安全管理|防涝", "Y"),
        ("2.3", "业务工作报告、登记、纪要", "报告|登记|纪要|普查", "D30"),
        ("4.2", "一般事务性函件、会议通知", "会议|函|摘", "D10"),
    )
    for order, (clause, scope, words, retention) in enumerate(rules):
        RetentionRule.objects.get_or_create(
            fonds=fonds, clause=clause,
            defaults={
                "scope": scope, "words": words, "retention": retention,
                "approval": "示档审〔2022〕3号（演示）", "order": order,
            },
        )  # fmt: skip
    keep_in_store(fonds, by="system", now=now)
    return fonds


def find_font() -> str | None:
    """A font with Chinese characters, or None."""
    if shutil.which("fc-match"):
        found = subprocess.run(
            ["fc-match", "-f", "%{file}", "serif:lang=zh-cn"],  # noqa: S607
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        if (found and "CJK" in found) or "wqy" in found or "uming" in found:
            return found
    return next((place for place in FONT_PLACES if Path(place).exists()), None)


def _write_good(folder: Path, font: str | None) -> None:
    _write_papers(folder, PAPERS, font)


def _write_old(folder: Path, font: str | None) -> None:
    """Papers whose closed period is over, for opening review."""
    _write_papers(folder, OLD_PAPERS, font)


def _write_papers(folder: Path, papers: Sequence[Paper], font: str | None) -> None:
    written = [paper for paper in papers if font or paper.form not in {"scan", "tiff", "pdf"}]
    for paper in written:
        WRITERS[paper.form](folder, paper, font)
    _catalogue(folder, [_row(paper) for paper in written])


def _write_faulty(folder: Path, font: str | None) -> None:
    """A hand-over with the faults that clerks make, one each."""
    good = Paper(
        "Z109-WS·2023-D30-YWK-0004", "关于增设骑手临时停车点的请示", "示城管字〔2023〕40号", "20231016",
        "30年", "docx", ("为解决骑手停车难问题，拟在商圈增设临时停车点20处，请予批复。",),
        addressee="市人民政府：",
    )  # fmt: skip
    _docx(folder, good, font)
    (folder / "Z109-WS·2023-D30-YWK-0005.txt").write_bytes(b"")
    (folder / "Z109-WS·2023-D30-YWK-0006.pdf").write_text(
        "这是一个改错了扩展名的文本文件。\n", "utf-8"
    )
    (folder / "说明图.txt").write_text("目录里没有登记的文件。\n", "utf-8")
    rows = [
        _row(good),
        ["Z109-WS·2023-D30-YWK-0005", "空文件", "", BODY, "20231020", "", "30年", 1, "", ""],
        [
            "Z109-WS·2023-D30-YWK-0006",
            "扩展名不符的文件",
            "",
            BODY,
            "20231021",
            "",
            "30年",
            1,
            "",
            "",
        ],
        [
            "Z109-WS·2023-D30-YWK-0007",
            "目录有而文件缺失",
            "",
            BODY,
            "20231022",
            "",
            "30年",
            3,
            "",
            "",
        ],
        ["Z109-WS2023-D30-YWK-8", "档号写错", "", BODY, "20231023", "", "30年", 1, "", ""],
        [good.code, "重复的档号", "", BODY, "2023年13月1日", "", "三十", -1, "", ""],
    ]
    _catalogue(folder, rows)


def _row(paper: Paper) -> list[object]:
    return [
        paper.code, paper.title, paper.number, BODY, paper.date, "公开", paper.retention, paper.pages,
        paper.opening, "演示",
    ]  # fmt: skip


def _catalogue(folder: Path, rows: Sequence[Sequence[object]]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("移交目录")
    for row in (HEAD, *rows):
        sheet.append(list(row))
    book.save(folder / "移交目录.xlsx")


def _scan(folder: Path, paper: Paper, font: str | None) -> None:
    pages = folder / paper.code
    pages.mkdir()
    for number, image in enumerate(_draw(paper, font or ""), 1):
        image.save(pages / f"{paper.code}-{number:04d}.jpg", quality=82, dpi=(200, 200))


def _tiff(folder: Path, paper: Paper, font: str | None) -> None:
    first, *rest = (image.convert("L") for image in _draw(paper, font or ""))
    first.save(
        folder / f"{paper.code}.tif", save_all=True, append_images=rest,
        compression="tiff_deflate", dpi=(200, 200),
    )  # fmt: skip


def _pdf(folder: Path, paper: Paper, font: str | None) -> None:
    first, *rest = _draw(paper, font or "")
    first.save(folder / f"{paper.code}.pdf", save_all=True, append_images=rest, resolution=200)


def _draw(paper: Paper, font: str):  # type: ignore[no-untyped-def]
    """Page images of an official document: red head, number, title, text, date; like a scan."""
    from PIL import Image, ImageDraw, ImageFilter, ImageFont

    dice = random.Random(paper.code)  # noqa: S311 - a picture, no secret
    sizes = {"mark": 92, "title": 62, "text": 44}
    faces = {name: ImageFont.truetype(font, size) for name, size in sizes.items()}
    images = []
    body = [paper.addressee, *paper.paragraphs]
    halves = (
        [body] if paper.pages == 1 else [body[: len(body) // 2 + 1], body[len(body) // 2 + 1 :]]
    )
    for number, half in enumerate(halves, 1):
        image = Image.new("RGB", A4, (252, 250, 245))
        draw = ImageDraw.Draw(image)
        top = 200
        if number == 1:
            _centre(draw, f"{BODY}文件", faces["mark"], 260, (200, 30, 30))
            _centre(draw, paper.number or " ", faces["text"], 430, (20, 20, 20))
            draw.line((220, 510, A4[0] - 220, 510), fill=(200, 30, 30), width=5)
            top = 600
            for line in _wrap(paper.title, 20):
                _centre(draw, line, faces["title"], top, (15, 15, 15))
                top += 92
            top += 40
        for paragraph in half:
            indent = "" if paragraph == paper.addressee else "　　"
            for line in _wrap(indent + paragraph, 27):
                draw.text((232, top), line, font=faces["text"], fill=(25, 25, 25))
                top += 76
        if number == len(halves):
            date = f"{paper.date[:4]}年{int(paper.date[4:6])}月{int(paper.date[6:])}日"
            draw.text((950, top + 80), BODY, font=faces["text"], fill=(25, 25, 25))
            draw.text((1010, top + 160), date, font=faces["text"], fill=(25, 25, 25))
            draw.ellipse((960, top + 10, 1280, top + 330), outline=(210, 60, 60), width=8)
        _centre(draw, f"— {number} —", faces["text"], A4[1] - 170, (60, 60, 60))
        tilt = dice.uniform(-0.4, 0.4)
        image = image.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=(252, 250, 245))
        images.append(image.filter(ImageFilter.GaussianBlur(0.6)))
    return images


def _centre(draw, text: str, face, top: int, fill) -> None:  # type: ignore[no-untyped-def]
    draw.text(((A4[0] - draw.textlength(text, font=face)) / 2, top), text, font=face, fill=fill)


def _wrap(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


def _lines(paper: Paper) -> list[str]:
    date = f"{paper.date[:4]}年{int(paper.date[4:6])}月{int(paper.date[6:])}日"
    number = [paper.number] if paper.number else []
    return [*number, paper.title, paper.addressee, *paper.paragraphs, BODY, date]


def _docx(folder: Path, paper: Paper, _font: str | None) -> None:
    from docx import Document

    document = Document()
    for line in _lines(paper):
        document.add_paragraph(line)
    document.save(str(folder / f"{paper.code}.docx"))


def _xlsx(folder: Path, paper: Paper, _font: str | None) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("登记表")
    for line in (paper.title, *paper.paragraphs):
        sheet.append(line.split(","))
    book.save(folder / f"{paper.code}.xlsx")


def _txt(folder: Path, paper: Paper, _font: str | None) -> None:
    (folder / f"{paper.code}.txt").write_bytes("\n".join(_lines(paper)).encode("gb18030"))


def _big5(folder: Path, paper: Paper, _font: str | None) -> None:
    text = "\n".join((paper.title, *paper.paragraphs))
    (folder / f"{paper.code}.txt").write_bytes(text.encode("big5"))


def _eml(folder: Path, paper: Paper, _font: str | None) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = paper.title, "bgs@example.org", "all@example.org"
    mail["Date"] = "Tue, 12 Sep 2023 09:00:00 +0800"
    mail.set_content("\n".join(paper.paragraphs))
    (folder / f"{paper.code}.eml").write_bytes(bytes(mail))


WRITERS: dict[str, Callable[[Path, Paper, str | None], None]] = {
    "scan": _scan,
    "tiff": _tiff,
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "txt": _txt,
    "big5": _big5,
    "eml": _eml,
}
