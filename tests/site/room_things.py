"""Things of the rooms for the walk over every address: people, audit, retention, opening, exchange.

Who may see a thing is said here in the words of the issue, not by the rule of the room: the walk
compares the two.
"""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from django.utils import timezone
from PIL import Image
from tests.archive.build import NOW, admission, description
from tests.cases.test_pages import photo
from tests.site.thing import Sees, Thing

from liandong.archive.models import Decision, DestructionList, OpeningReview, Record
from liandong.archive.services.admitting import admit
from liandong.archive.services.appraising import Opinion, appraise
from liandong.archive.services.destroying import propose
from liandong.archive.services.holding import place_hold
from liandong.archive.services.opening.planning import plan
from liandong.archive.services.opening.proposing import propose_planned
from liandong.archive.services.packing import pack
from liandong.archive.services.rights.registers import assess, give_consent
from liandong.archive.services.rights.requests import Asked as AskedRights
from liandong.archive.services.rights.requests import ask as ask_rights
from liandong.base.models import Account, Unit, UnitKind
from liandong.cases.models import (
    Case,
    CaseImport,
    Draft,
    Evidence,
    Mandate,
    Visit,
    VisitItem,
    VisitPlan,
)
from liandong.cases.policies import Bearer
from liandong.cases.services.blurring import confirm
from liandong.cases.services.drafting import attach_paper
from liandong.cases.services.import_files import keep_file, refused_path
from liandong.cases.services.opening import Report, open_case
from liandong.cases.services.papers import keep_paper
from liandong.cases.services.photos import add_photo, keep_photo
from liandong.community.models import PointsAccount
from liandong.community.services.complaining import Complaint, complain
from liandong.community.services.contacts import Contact, register
from liandong.community.services.posting import post
from liandong.community.services.stations import keep_station
from liandong.exchange.services import drafting
from liandong.exchange.services.drafting import Asked as AskedUse
from liandong.exchange.services.lending import ask_loan
from liandong.exchange.services.visiting import Application, receive
from liandong.kernel.access import Fact
from liandong.kernel.viewer import Viewer
from liandong.site.access_matrix import CHAMBER, FIRM, HOME

TODAY = 20261126
NOBODY: frozenset[str] = frozenset()


def room_things(home: Path, internal: Record) -> Iterator[Thing]:
    """Every thing of these rooms; people and records are there."""
    yield from _of_retention(home)
    yield from _of_opening(home)
    yield from _of_rights()
    yield from _of_exchange(internal)
    yield from _of_cases()
    yield from _of_snap()
    yield from _of_case_filing()
    yield from _of_enterprises()
    yield from _of_community()
    kept = keep_file([b"a,b\n1,2\n"], name="a.csv", by="desk", now=timezone.now())
    CaseImport.objects.filter(pk=kept.pk).update(refused=1)
    refused_path(kept).write_text("line\n", "utf-8")
    yield Thing("file of an import", "", {"file": kept.uuid}, under="/cases/import/")
    yield Thing("month of the ledger", "", {"month": "2026-11", "form": "pdf"}, under="/ledger/")
    yield Thing("evaluation", "", {"form": "csv"}, under="/cases/evaluation.")


def _named(*names: str) -> Sees:
    return lambda viewer: viewer.name in names


def _keeps(viewer: Viewer) -> bool:
    """An archivist or director who may read what is internal."""
    return (viewer.is_archivist or viewer.is_director) and viewer.clearance > 0


def _of_retention(home: Path) -> Iterator[Thing]:
    (record,) = _old(home, 40, retention="D10")
    hold = place_hold([record], kind="legal", reason="诉讼", basis="法院来函", begins=20260101,
                      until=20260201, by="archivist", now=NOW)  # fmt: skip
    yield Thing("hold", "", {"hold_id": hold.pk})
    opinion = Opinion(Decision.DESTROY, "无保存价值", "3.2")
    appraise([record.pk], opinion, by="archivist", now=NOW, today=TODAY)
    made: DestructionList = propose(
        [record.pk], reason="期满", by="archivist", now=NOW, today=TODAY
    )
    yield Thing("destruction list", "", {"list_id": made.pk, "step": "sign"})
    yield Thing("no certificate yet", "", {"list_id": made.pk, "kind": "pdf"}, seen_by=_named(),
                under="/retention/lists/<int:list_id>/certificate")  # fmt: skip


def _old(home: Path, number: int, *, retention: str = "Y") -> list[Record]:
    text = description(number, document_date="19980506", retention_period=retention)
    text["archival_code"] = text["archival_code"].replace("-Y-", f"-{retention}-")
    text["filing_year"] = "1998"
    text["archival_code"] = text["archival_code"].replace("2011", "1998")
    made = admission(home / "staging", number, described=text, level=1, unit=HOME)
    return [admit(pack(made), made, by="archivist", now=NOW)]


def _of_opening(home: Path) -> Iterator[Thing]:
    (record,) = _old(home, 50)
    plan([record.pk], year=2026, by="archivist", now=NOW)
    propose_planned(now=NOW)
    review = OpeningReview.objects.get(record=record)
    values = {"review_id": review.pk, "verdict": "open", "step": "drop"}
    yield Thing("review", "review", values, seen_by=_keeps)
    yield Thing("page without an image", "review", {**values, "number": 1}, seen_by=_named(),
                under="/opening/<int:review_id>/pages/")  # fmt: skip
    yield Thing("review of the plan", "record", {**values, "year": 2026}, seen_by=_keeps,
                under="/opening/")  # fmt: skip
    yield Thing("publication", "", {"number": "none", "kind": "csv"}, seen_by=_named(),
                under="/opened/")  # fmt: skip


def _of_rights() -> Iterator[Thing]:
    now = timezone.now()
    asked = ask_rights(AskedRights("access", "某人", "查我的信息"), by="reader", now=now)
    seers = lambda viewer: viewer.name == "reader" or viewer.is_archivist or viewer.is_director  # noqa: E731
    yield Thing("request of rights", "request", {"code": asked.number}, seen_by=seers,
                under="/rights/requests/")  # fmt: skip
    consent = give_consent(
        name="某人", purpose="回访", basis="consent", kinds="电话", notice="告知书",
        by="reader", now=now, account=Account.objects.get(username="reader"),
    )  # fmt: skip
    yield Thing("consent", "request", {"consent_id": consent.pk},
                seen_by=lambda viewer: viewer.name == "reader" or viewer.is_archivist)  # fmt: skip
    said = dict.fromkeys(("title", "purpose", "kinds", "risks", "measures", "conclusion"), "甲")
    assessment = assess(said, by="archivist", now=now)
    yield Thing("assessment", "", {"code": assessment.number, "step": "approve"},
                under="/rights/assessments/")  # fmt: skip


def _of_cases() -> Iterator[Thing]:
    now = timezone.now()
    reader = Account.objects.get(username="reader")
    report = Report("snap_report", "web", {"text": "井盖破损"}, lat=37.05, lon=118.05,
                    requester=reader)  # fmt: skip
    case = open_case(report, by=Bearer(), now=now).case
    Case.objects.filter(pk=case.pk).update(
        state="in_progress", lead_unit=Unit.objects.get(code=HOME)
    )
    red = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(red, "JPEG")
    photo = add_photo(case, red.getvalue(), part="before", name="x.jpg", by="reader", now=now)
    photo.event = case.events.get()
    photo.save()
    facts = {
        "level": 1, "kind": "snap_report", "state": "in_progress", "requested_by": "reader",
        "firm": "", "chambers": NOBODY, "lead": HOME, "units": NOBODY, "grid_unit": "",
        "overseers": NOBODY,
    }  # fmt: skip
    yield Thing("case", "case", {"number": case.number, "photo": photo.uuid}, facts=facts,
                under="/cases/")  # fmt: skip
    yield Thing("kind of case", "", {"kind": "snap_report"}, under="/cases/flow/")
    public = {"service_code": "E0101", "form": "json", "service_request_id": case.number,
              "token": case.uuid}  # fmt: skip
    yield Thing("public request", "", public, under="/open311/")


def _of_exchange(internal: Record) -> Iterator[Thing]:
    now = timezone.now()
    until = date.today() + timedelta(days=10)  # noqa: DTZ011 - far enough from midnight
    asked = AskedUse(
        purpose_kind="duty", purpose="核对预案", legal_basis="防洪法", wanted="2011年防汛通知",
        uses=("look",), until=until,
    )  # fmt: skip
    draft = drafting.save_draft(asked, by="other-clerk", now=now)
    paper = drafting.attach(draft.pk, "介绍信.pdf", b"%PDF-1.4\n%%EOF", by="other-clerk", now=now)
    yield Thing("draft", "", {"draft_id": draft.pk, "paper_id": paper.pk},
                seen_by=_named("other-clerk"))  # fmt: skip
    sent = drafting.save_draft(asked, by="other-clerk", now=now)
    paper = drafting.attach(sent.pk, "介绍信.pdf", b"%PDF-1.4\n%%EOF", by="other-clerk", now=now)
    drafting.submit(sent.pk, by="other-clerk", now=now)
    sent.refresh_from_db()
    seers = lambda viewer: (  # noqa: E731
        viewer.name in {"other-clerk", "audit-admin"} or viewer.is_archivist or viewer.is_director
    )
    yield Thing("request of use", "request", {"no": sent.number, "step": "gather"}, seen_by=seers,
                under="/exchange/<no:no>/")  # fmt: skip
    yield Thing("paper of a request", "request", {"request_id": sent.pk, "paper_id": paper.pk},
                seen_by=lambda viewer: seers(viewer) and not viewer.officer)  # fmt: skip
    yield Thing("data without a grant", "request", {"no": sent.number}, seen_by=_named(),
                under="/exchange/<no:no>/data.jsonl")  # fmt: skip
    loan = ask_loan(internal.pk, purpose_kind="duty", purpose="核对", due_on=until, by="clerk",
                    now=now)  # fmt: skip
    of_loan = lambda viewer: (  # noqa: E731
        (viewer.is_clerk and viewer.unit == HOME) or viewer.is_archivist or viewer.is_director
        or viewer.officer == "audit_admin"
    )  # fmt: skip
    yield Thing("loan", "loan", {"no": loan.number, "step": "approve"}, seen_by=of_loan)
    visit, _code = receive(
        Application("某人", "resident_id", "11010519491231002X", "13800000000", "", "婚姻登记",
                    "rights", "办理手续", "look"),
        now=now,
    )  # fmt: skip
    yield Thing("visit", "", {"no": visit.number, "step": "identify"},
                under="/exchange/visits/")  # fmt: skip
    yield Thing("visit that was not forwarded", "", {"no": visit.number, "form": "json"},
                seen_by=_named(), under="/exchange/visits/<no:no>/package.")  # fmt: skip
    yield Thing("no such key", "", {"code": "none"}, seen_by=_named(),
                under="/admin/apikeys/")  # fmt: skip
    yield Thing("receipt of a visit", "", {"no": visit.number}, under="/requests/")
    yield Thing("certified copy", "", {"no": "CZ-2026-0001"}, seen_by=_named(),
                under="/exchange/copies/")  # fmt: skip
    yield Thing("form of statistics", "", {"form": "csv"}, under="/exchange/statistics")


def _of_snap() -> Iterator[Thing]:
    """A report that came without an account: whoever has its token sees it."""
    report = Report(kind="snap_report", channel="web", form={"text": "井盖破损"}, address="路口")
    kept = keep_photo(photo().getvalue(), case_uuid=report.uuid, part=Evidence.Part.BEFORE,
                      name="photo.jpg", by="", now=NOW)  # fmt: skip
    made = open_case(report, by=Bearer(), now=timezone.now(), evidence=[kept])
    yield Thing("report by its token", "", {"token": made.token, "photo": kept.uuid}, under="/r/")
    yield Thing("photo ahead of its report", "", {"report": uuid4(), "photo": uuid4()},
                under="/snap/reports/")  # fmt: skip
    confirm(kept.pk, by="x", now=NOW)
    case = made.case
    facts: dict[str, Fact] = {
        "level": case.level, "kind": case.kind, "state": case.state,
        "requested_by": case.requested_by, "firm": case.firm, "chambers": case.chambers,
        "lead": case.lead, "units": case.units, "grid_unit": case.grid_unit, "overseers": NOBODY,
    }  # fmt: skip
    yield Thing("photo for the public", "", {"photo": kept.uuid}, under="/photos/")
    yield Thing("photo to cover", "case", {"number": case.number, "photo": kept.uuid}, facts,
                under="/cases/<case_no:number>/photos/<uuid:photo>/")  # fmt: skip
    yield Thing("step on site", "case", {"number": case.number, "action": "confirm",
                                         "photo": uuid4()}, facts, under="/field/")  # fmt: skip
    yield Thing("view of nobody", "", {"key": 1}, under="/cases/views/")


def _of_case_filing() -> Iterator[Thing]:
    case = open_case(
        Report("suggestion", "web", {"text": "增设路灯", "title": "建议"}), by=Bearer(), now=NOW
    ).case
    facts: dict[str, str | int | frozenset[str]] = {
        "level": case.level, "kind": case.kind, "state": case.state, "requested_by": "",
        "firm": "", "chambers": NOBODY, "lead": "", "units": NOBODY, "grid_unit": "",
        "overseers": NOBODY,
    }  # fmt: skip
    yield Thing("case to file", "case", {"number": case.number}, facts,
                under="/cases/<case_no:number>/close/")  # fmt: skip
    yield Thing("case of the ledger", "case", {"number": case.number}, facts,
                under="/ledger/cases/")  # fmt: skip


def _of_enterprises() -> Iterator[Thing]:
    """An enterprise with a chamber: draft, demand with a material, mandate, visit, plan."""
    now, today = timezone.now(), timezone.localdate()
    firm, chamber = (Unit.objects.get(code=one) for one in (FIRM, CHAMBER))
    Unit.objects.filter(pk=firm.pk).update(kind=UnitKind.ENTERPRISE)
    mandate = Mandate.objects.create(
        enterprise=firm, chamber=chamber, valid_from=today, valid_until=today, given_at=now,
        given_by="enterprise",
    )  # fmt: skip
    yield Thing("mandate", "mandate", {"mandate_id": mandate.pk},
                seen_by=lambda viewer: viewer.unit == FIRM)  # fmt: skip
    owner = Account.objects.get(username="enterprise")
    draft = Draft.objects.create(account=owner, kind="enterprise_demand", enterprise=firm,
                                 step="matter", made_at=now, changed_at=now)  # fmt: skip
    paper = attach_paper(draft, "合同.pdf", b"%PDF-1.4\n%%EOF", by="enterprise", now=now)
    yield Thing("draft of a demand", "draft",
                {"draft": draft.uuid, "step": "matter", "paper": paper.uuid},
                seen_by=_named("enterprise"), under="/biz/new/")  # fmt: skip
    form = {"title": "用电", "text": "容量不够", "contact_person": "甲", "contact_phone": "12345"}
    report = Report("enterprise_demand", "portal", form, enterprise=firm, requester=owner)
    kept = keep_paper(b"%PDF-1.4\n%%EOF", case_uuid=report.uuid, name="a.pdf", by="", now=now)
    case = open_case(report, by=Bearer(), now=now, evidence=[kept]).case
    facts: dict[str, Fact] = {
        "level": 1, "kind": case.kind, "state": case.state, "requested_by": "enterprise",
        "firm": FIRM, "chambers": frozenset({CHAMBER}), "lead": "", "units": NOBODY,
        "grid_unit": "", "overseers": NOBODY,
    }  # fmt: skip
    values = {"number": case.number, "paper": kept.uuid}
    for under in ("/biz/<case_no:number>/", "/cases/<case_no:number>/papers/"):
        yield Thing("demand", "case", values, facts, under=under)
    card: dict[str, Fact] = {"firm": FIRM, "chambers": frozenset({CHAMBER})}
    yield Thing("card of an enterprise", "enterprise", {"enterprise": FIRM}, card)
    home = Unit.objects.get(code=HOME)
    visit = Visit.objects.create(unit=home, enterprise=firm, visited_on=today, made_at=now,
                                 made_by="handler")  # fmt: skip
    VisitItem.objects.create(visit=visit, number=1, party="enterprise", text="用电")
    plan = VisitPlan.objects.create(unit=home, enterprise=firm, starts_on=today, ends_on=today,
                                    made_at=now, made_by="handler")  # fmt: skip
    values = {"visit_id": visit.pk, "item": 1, "plan_id": plan.pk}
    yield Thing("visit to an enterprise", "visit", values, {"unit": HOME}, under="/visits/")


def _of_community() -> Iterator[Thing]:
    """A station of the unit YZ with a receipt, a contact of the desk, a report on the unit ZHZX."""
    now = timezone.now()
    facts = {"name": "驿站", "address": "路口", "lat": 37.0, "lon": 118.0, "is_24h": True,
             "facilities": ["water"]}  # fmt: skip
    keeping = Unit.objects.get(code="YZ")
    station = keep_station(facts, code="yz-1", operator=keeping, by="station", now=now)
    reader = PointsAccount.objects.create(
        holder=Account.objects.get(username="reader"), balance=5, opened_at=now
    )
    made = post(reader, -5, house="redeemed", at=now, act="redeem", why="redeemed", goods="water",
                station=station, by="station")  # fmt: skip
    values = {"station": "yz-1", "posting": made.pk}
    kept: dict[str, Fact] = {"operator_code": "YZ"}
    yield Thing("station", "station", values, kept, under="/community/stations/")
    yield Thing("station of everybody", "", values, under="/stations/")
    firm, _ = Unit.objects.get_or_create(code="QY001", defaults={"name": "企业"})
    said = Contact(firm, "visit", date(2026, 11, 25), "厂区", purpose="了解用电")
    contact = register(said, Account.objects.get(username="desk"), now=now)
    known: dict[str, Fact] = {"official_name": "desk", "firm": "QY001"}
    yield Thing("contact", "contact", {"contact_id": contact.pk}, known)
    complaint = Complaint(Unit.objects.get(code="ZHZX"), "推诿", name="某人")
    case = complain(complaint, origin="x", now=now).case
    given: dict[str, Fact] = {
        "level": case.level, "kind": case.kind, "state": case.state, "requested_by": "",
        "firm": "", "chambers": NOBODY, "lead": "", "units": NOBODY, "grid_unit": "",
        "overseers": case.overseers,
    }  # fmt: skip
    yield Thing("report on conduct", "conduct report", {"number": case.number}, given,
                under="/conduct/reports/")  # fmt: skip
