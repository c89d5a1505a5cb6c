"""Demonstration of the closed loop: staff of every role, a duty list, a grid cell, some cases.

Everything in it is invented; photos are drawn here.
"""

import io
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from PIL import Image, ImageDraw

from liandong.base.models import Account, Role, Unit
from liandong.base.people.services.bootstrap import keep_demo_account
from liandong.base.viewers import viewer_of_account
from liandong.cases.models import Case, DutyClause, GridCell
from liandong.cases.policies import Bearer
from liandong.cases.services.opening import Report, open_case
from liandong.cases.services.photos import add_photo, keep_photo
from liandong.cases.services.stepping import Given, take_step
from liandong.cases.services.tending import tend_due

from .demo_enterprises import CHAMBER, ENTERPRISES, FIRM, load_enterprises
from .demo_ledger import load_ledger
from .server import DEMO_PASSWORD

_SPACE = UUID("5d1f6f0e-3a39-4f0c-9a55-0a4c6e1d0001")  # of the uuids of demonstration cases
FIRST_CASE = uuid5(_SPACE, "0")  # went the whole way
_UNITS = (
    ("SFZHZX", "示范市社会治理指挥中心"), ("SFDCS", "示范市督查室"), ("SFCGJ", "示范市城市管理局"),
    ("SFSWJ", "示范市水务局"), ("SFSQ1", "示范街道第一社区"),
)  # fmt: skip
_PEOPLE = (
    ("desk", "受理员（演示）", "SFZHZX", Role.DESK),
    ("desk2", "督查室受理员（演示）", "SFDCS", Role.DESK),
    ("grid", "网格员（演示）", "SFSQ1", Role.GRID_WORKER),
    ("dispatcher", "派遣员（演示）", "SFZHZX", Role.DISPATCHER),
    ("handler", "城管局承办员（演示）", "SFCGJ", Role.HANDLER),
    ("handler2", "水务局承办员（演示）", "SFSWJ", Role.HANDLER),
    ("inspector", "核查员（演示）", "SFZHZX", Role.INSPECTOR),
    ("leader", "值班领导（演示）", "SFZHZX", Role.LEADER),
    ("ledger", "台账员（演示）", "SFZHZX", Role.LEDGER),
    ("firm", "企业经办人（演示）", FIRM, Role.ENTERPRISE),
    ("firm2", "纺织企业经办人（演示）", "SFQY2", Role.ENTERPRISE),
    ("chamber", "商会经办人（演示）", CHAMBER, Role.CHAMBER),
)
_DUTIES = (
    ("C01", "SFCGJ", "派单目录（演示）一、公用设施由城市管理局管护"),
    ("E04", "SFSWJ", "派单目录（演示）四、管道破裂、道路积水由水务局处置"),
    ("E05", "SFCGJ", "派单目录（演示）五、街面秩序由城市管理局管理"),
)
_TO = {  # how far each report is taken: action, by whom, what is said
    "verifying": (
        ("accept_for_verification", "desk", {"category": "C0102", "severity": "ordinary"}),
    ),
    "dispatched": (("confirm", "grid", {}), ("dispatch", "dispatcher", {})),
    "inspecting": (
        ("sign_in", "handler", {}),
        ("hand_in", "handler", {"outcome": "solved", "reply": "已更换井盖并清理周边。"}),
    ),
    "closed": (
        ("pass", "inspector", {"note": "现场查看，井盖完好，与路面平齐。"}),
        ("rate", "", {"score": "5"}),
    ),
}  # fmt: skip
_REPORTS = (  # words, address, place, state it is taken to
    ("污水井盖破损，骑车经过很危险。", "黄河五路渤海七路路口", (37.3812, 118.0124), "closed"),
    ("井盖缺失，只放了一个锥桶。", "黄河六路与渤海八路交叉口", (37.3845, 118.0203), "inspecting"),
    ("人行道井盖松动，一踩就响。", "渤海九路小学门口", (37.3790, 118.0301), "dispatched"),
    ("井盖周围路面塌了一圈。", "长江一路公交站旁", (37.3727, 118.0180), "verifying"),
    ("店外摆摊占了盲道。", "黄河四路市场", (37.3771, 118.0099), ""),
    ("路灯连续三天不亮。", "渤海六路南段", (37.3699, 118.0052), ""),
    ("路灯不亮，晚上很黑。", "渤海六路南段路西", (37.3700, 118.0053), ""),  # the same again
)


def load_cases(now: datetime) -> None:
    """Accounts, duty list, grid cell and cases; nothing that is there is made again."""
    _people(now)
    for number, (words, address, place, state) in enumerate(_REPORTS):
        uuid = uuid5(_SPACE, str(number))
        if not Case.objects.filter(uuid=uuid).exists():
            _take_to(state, _open(uuid, words, address, place, now), now)
    load_enterprises(now)
    load_ledger(now)
    tend_due(now=now)  # so that everybody finds the own notices at once


@transaction.atomic
def _people(now: datetime) -> None:
    for code, name in _UNITS:
        Unit.objects.get_or_create(code=code, defaults={"name": name})
    for code, name, kind in ENTERPRISES:
        Unit.objects.get_or_create(code=code, defaults={"name": name, "kind": kind})
    for name, full_name, code, role in _PEOPLE:
        keep_demo_account(
            name, full_name=full_name, password=DEMO_PASSWORD, now=now, role=role,
            unit=Unit.objects.get(code=code), clearance=1,
        )  # fmt: skip
    for category, code, clause in _DUTIES:
        DutyClause.objects.get_or_create(
            category=category, unit=Unit.objects.get(code=code), defaults={"clause": clause}
        )
    south, west, north, east = 37.36, 118.0, 37.4, 118.04
    GridCell.objects.get_or_create(
        code="371602001001001",
        defaults={
            "name": "示范街道第一社区第一网格", "unit": Unit.objects.get(code="SFSQ1"),
            "worker": Account.objects.get(username="grid"), "south": south, "west": west,
            "north": north, "east": east,
            "outline": [[west, south], [east, south], [east, north], [west, north]],
        },
    )  # fmt: skip


def _open(
    uuid: UUID, words: str, address: str, place: tuple[float, float], now: datetime
) -> Case:  # fmt: skip
    report = Report(
        "snap_report", "web", {"text": words}, uuid=uuid, address=address, lat=place[0],
        lon=place[1], datum="wgs84",
    )  # fmt: skip
    at = now - timedelta(hours=3)
    photo = keep_photo(
        _drawn(broken=True), case_uuid=uuid, part="before", name="现场.jpg", by="", now=at
    )
    return open_case(report, by=Bearer(), now=at, evidence=[photo]).case


def _take_to(state: str, case: Case, now: datetime) -> None:
    at = now - timedelta(hours=2)
    for name, steps in _TO.items() if state else ():
        for action, by, said in steps:
            at += timedelta(minutes=5)
            _step(case, action, by, said, at)
        if name == state:
            return


def _step(case: Case, action: str, by: str, said: dict[str, str], at: datetime) -> None:
    words = {"lead_unit": "SFCGJ", "clause": _DUTIES[0][2], **said}
    photos = []
    if action in {"confirm", "hand_in", "pass"}:
        part = {"confirm": "check", "hand_in": "after", "pass": "inspection"}[action]
        drawn = _drawn(broken=action == "confirm")
        photos = [add_photo(case, drawn, part=part, name="现场.jpg", by=by, now=at).uuid]
    bearer = (
        Bearer(viewer_of_account(Account.objects.get(username=by)))
        if by
        else Bearer(holds_token=True)
    )
    take_step(case.pk, action, by=bearer, now=at, given=Given(words, photos))


def _drawn(*, broken: bool) -> bytes:
    """A road with a manhole cover, whole or with a gap."""
    picture = Image.new("RGB", (1200, 900), "#8a8d8f")
    pen = ImageDraw.Draw(picture)
    for x in range(0, 1200, 300):
        pen.rectangle((x + 60, 80, x + 200, 100), fill="#e8e6dd")
    pen.ellipse((380, 260, 820, 700), fill="#4a4d50", outline="#2b2d2f", width=14)
    for ring in range(3):
        inset = 50 + ring * 50
        box = (380 + inset, 260 + inset, 820 - inset, 700 - inset)
        pen.ellipse(box, outline="#6d7174", width=8)
    if broken:
        pen.pieslice((380, 260, 820, 700), 300, 30, fill="#101112")
        pen.line((600, 480, 720, 270), fill="#101112", width=12)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()
