"""Pages of sharing: who sees what, watermarks, the end by the clock, hostile words, numbers."""

import csv
import re
import zipfile
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from PIL import Image, ImageChops
from tests.exchange.build import (
    ASKER,
    DIRECTOR,
    FORMER,
    HOLDER,
    OTHER,
    asked,
    client,
    gathered,
    people,
    records,
    scanned,
    yes,
)

from liandong.archive.models import Record, ShareGrant
from liandong.archive.queries import find
from liandong.archive.services.indexing import index_records
from liandong.base.models import Account, AuditRow
from liandong.base.tables import csv_bytes, harmless, xlsx_bytes
from liandong.exchange.models import BasketEntry, UseRequest
from liandong.exchange.services import basket, deciding, drafting, lending, opinions
from liandong.exchange.services.people import today_number, viewer_by
from liandong.kernel.flows import StepRefused
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db
XSS = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    people()


def _live(found: list[Record], **terms) -> UseRequest:  # type: ignore[no-untyped-def]
    """A request that is granted at this moment, for pages that read the clock."""
    now = timezone.now()
    until = (now + timedelta(days=5)).date()
    draft = drafting.save_draft(asked(until=until, **terms), by=ASKER, now=now)
    drafting.submit(draft.pk, by=ASKER, now=now)
    deciding.gather(draft.pk, [row.pk for row in found], by=HOLDER, now=now)
    uses = terms.get("uses", ("look", "print"))
    decision = yes(found, until=until, uses=uses)
    return deciding.grant(draft.pk, decision, by=HOLDER, now=now)


def _code(who: Client, path: str) -> int:
    answer = who.get(path)
    for _part in getattr(answer, "streaming_content", ()):
        pass
    return answer.status_code


def test_a_request_is_seen_by_those_whom_it_concerns_and_absent_for_others(home: Path) -> None:
    request = gathered(records(home, 1))
    opinions.ask_opinion(request.pk, ["BGS"], by=HOLDER, now=timezone.now())
    path = f"/exchange/{request.number}/"
    codes = {name: client(name).get(path).status_code for name in
             (ASKER, HOLDER, DIRECTOR, FORMER, OTHER, "du")}  # fmt: skip
    assert codes == {ASKER: 200, HOLDER: 200, DIRECTOR: 200, FORMER: 200, OTHER: 404, "du": 404}
    assert client(OTHER).post(f"{path}withdraw/", {"why": "x"}).status_code == 404
    assert Client().get(path).status_code == 302


def test_ids_of_others_lead_nowhere() -> None:
    now = timezone.now()
    draft = drafting.save_draft(asked(), by=ASKER, now=now)
    paper = drafting.attach(draft.pk, "介绍信.pdf", b"%PDF-1.4", by=ASKER, now=now)
    for name in (OTHER, "du", HOLDER):
        who = client(name)
        assert who.get(f"/exchange/drafts/{draft.pk}/").status_code == 404
        assert who.post(f"/exchange/drafts/{draft.pk}/", {"act": "submit"}).status_code == 404
        assert who.get(f"/exchange/papers/{draft.pk}/{paper.pk}/").status_code == 404
        drop = f"/exchange/drafts/{draft.pk}/papers/{paper.pk}/drop/"
        assert who.post(drop).status_code == 404
    assert draft.attachments.count() == 1


def test_papers_are_for_the_asker_and_those_who_decide(home: Path) -> None:
    now = timezone.now()
    draft = drafting.save_draft(asked(until=now.date() + timedelta(days=3)), by=ASKER, now=now)
    paper = drafting.attach(draft.pk, f"{XSS}.pdf", b"%PDF-1.4 <b>", by=ASKER, now=now)
    drafting.submit(draft.pk, by=ASKER, now=now)
    path = f"/exchange/papers/{draft.pk}/{paper.pk}/"
    answer = client(HOLDER).get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert (client(FORMER).get(path).status_code, client(ASKER).get(path).status_code) == (404, 200)


def test_hostile_words_stay_words(home: Path) -> None:
    now = timezone.now()
    until = now.date() + timedelta(days=3)
    draft = drafting.save_draft(
        asked(purpose=XSS, legal_basis=XSS, wanted=XSS, query=XSS, until=until), by=ASKER, now=now
    )
    drafting.attach(draft.pk, f"{XSS}.pdf", b"%PDF-1.4", by=ASKER, now=now)
    pages = [client(ASKER).get(f"/exchange/drafts/{draft.pk}/")]
    number = drafting.submit(draft.pk, by=ASKER, now=now).number
    pages += [client(HOLDER).get(path) for path in (f"/exchange/{number}/", "/exchange/")]
    for page in pages:
        assert XSS not in page.content.decode()


# Under a grant --------------------------------------------------------------------------------


def _paths(record: Record) -> list[str]:
    image = f"/records/{record.pk}/v{record.version}/1/"
    return [
        f"/records/{record.pk}/", f"/records/{record.pk}/view/",
        f"/records/{record.pk}/pages/1/text.json", f"{image}image", f"{image}thumb.jpg",
        f"{image}page.dzi", f"{image}page_files/0/0_0.jpg", f"/records/{record.pk}/print/",
    ]  # fmt: skip


def test_withdrawal_is_immediate_in_pages_tiles_and_search(home: Path) -> None:
    record = scanned(home, 1, unit="")
    request = _live([record])
    index_records([record.pk])
    who = client(ASKER)
    assert {_code(who, path) for path in _paths(record)} == {200}
    assert _found(ASKER) == 1
    deciding.withdraw(request.pk, why="收", by=HOLDER, now=timezone.now())
    assert {_code(who, path) for path in _paths(record)} == {404}
    assert _found(ASKER) == 0


def _found(name: str) -> int:
    now = timezone.now()
    viewer = viewer_by(name, now=now)
    return find(parse("防讯工作"), viewer=viewer, today=today_number(now)).count


def test_the_end_comes_by_the_clock_without_any_job(home: Path) -> None:
    record = scanned(home, 1, unit="")
    _live([record])
    past = timezone.now() - timedelta(seconds=1)
    ShareGrant.objects.update(begins_at=past - timedelta(days=1), ends_at=past)
    assert {_code(client(ASKER), path) for path in _paths(record)} == {404}


def _picture(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def test_images_under_a_grant_carry_the_mark_in_their_pixels(home: Path) -> None:
    record = scanned(home, 1, unit="")
    _live([record])
    path = f"/records/{record.pk}/v{record.version}/1/image"
    marked, plain = client(ASKER).get(path), client(HOLDER).get(path)
    own = b"".join(plain.streaming_content)
    difference = ImageChops.difference(_picture(marked.content), _picture(own))
    changed = sum(difference.convert("L").histogram()[9:])
    assert changed > 200
    assert marked["Cache-Control"] == "private, no-store"


def test_pages_under_a_grant_carry_the_mark_and_others_do_not(home: Path) -> None:
    record = scanned(home, 1, unit="")
    _live([record])
    for path in (f"/records/{record.pk}/", f"/records/{record.pk}/view/"):
        assert "ld-watermark" in client(ASKER).get(path).content.decode()
        assert "ld-watermark" not in client(HOLDER).get(path).content.decode()


def test_without_the_use_there_is_no_print_and_no_file(home: Path) -> None:
    record = scanned(home, 1, unit="")
    _live([record], uses=("look",))
    who = client(ASKER)
    file = record.files.filter(role="original").first()
    assert who.get(f"/records/{record.pk}/print/").status_code == 403
    assert who.get(f"/records/{record.pk}/files/{file.pk}/").status_code == 403
    assert "ld-nopaper" in who.get(f"/records/{record.pk}/").content.decode()


def test_files_leave_with_the_mark_or_beside_a_cover_sheet(home: Path) -> None:
    record, text = scanned(home, 1, unit=""), records(home, 1, start=2, unit="")[0]
    _live([record, text], uses=("look", "copy"))
    who = client(ASKER)
    picture = record.files.filter(role="original").first()
    answer = who.get(f"/records/{record.pk}/files/{picture.pk}/")
    content = b"".join(answer.streaming_content)
    assert content != b""
    assert _picture(content).size == (201, 280)
    note = text.files.filter(role="original").first()
    answer = who.get(f"/records/{text.pk}/files/{note.pk}/")
    assert ".zip" in answer["Content-Disposition"]
    with zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content))) as packed:
        assert packed.namelist() == ["00-利用说明.pdf", "通知.txt"]
        assert packed.read("00-利用说明.pdf").startswith(b"%PDF-")


def test_every_use_is_noted_once_and_shown_to_the_asker(home: Path) -> None:
    record = scanned(home, 1, unit="")
    request = _live([record])
    who = client(ASKER)
    for _time in range(3):
        who.get(f"/records/{record.pk}/view/?p=1")
    who.get(f"/records/{record.pk}/print/")
    rows = AuditRow.objects.filter(object=f"share:{request.number}", act="use_share")
    assert sorted(re.findall(r'"use": "(\w+)"', " ".join(row.facts for row in rows))) == [
        "look", "print",
    ]  # fmt: skip
    page = who.get(f"/exchange/{request.number}/").content.decode()
    assert "谁用过" in page


def test_data_is_for_grants_that_say_so(home: Path) -> None:
    found = records(home, 1, unit="")
    first = _live(found)
    assert client(ASKER).get(f"/exchange/{first.number}/data.jsonl").status_code == 404
    second = _live(found, uses=("look", "data"))
    answer = client(ASKER).get(f"/exchange/{second.number}/data.jsonl")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert found[0].code in lines[1]
    assert client(HOLDER).get(f"/exchange/{second.number}/data.jsonl").status_code == 404


# Basket, loans, numbers -----------------------------------------------------------------------


def test_a_basket_is_ones_own_and_holds_what_one_may_read(home: Path) -> None:
    hidden, own = records(home, 1), records(home, 1, start=2, unit="CZJ")
    for record in (*hidden, *own):
        client(ASKER).post("/exchange/basket/", {"act": "in", "record": record.pk})
    assert list(BasketEntry.objects.values_list("record_id", flat=True)) == [own[0].pk]
    assert own[0].code not in client(OTHER).get("/exchange/basket/").content.decode()
    client(OTHER).post("/exchange/basket/", {"act": "out", "record": own[0].pk})
    assert BasketEntry.objects.count() == 1
    assert basket.empty(by=ASKER) == 1


def test_an_original_is_with_one_person_and_comes_back_with_its_condition(home: Path) -> None:
    now, day = timezone.now(), timezone.localdate()
    record = records(home, 1, unit="CZJ")[0]
    terms = {"purpose_kind": "duty", "purpose": "核对", "due_on": day + timedelta(days=9)}
    first = lending.ask_loan(record.pk, by=ASKER, now=now, **terms)
    second = lending.ask_loan(record.pk, by=HOLDER, now=now, **terms)
    with pytest.raises(StepRefused, match="wrong-role"):
        lending.approve(first.pk, by=ASKER, now=now)
    lending.approve(first.pk, by=HOLDER, now=now)
    with pytest.raises(StepRefused, match="busy"):
        lending.approve(second.pk, by="zhou", now=now)
    lending.hand_out(first.pk, by=HOLDER, now=now)
    later = now + timedelta(days=12)
    assert lending.remind(now=later) == 1
    assert client(OTHER).get(f"/exchange/loans/{first.number}/").status_code == 404
    with pytest.raises(StepRefused, match="missing-evidence"):
        lending.take_back(first.pk, condition="eaten", note="", by=HOLDER, now=later)
    done = lending.take_back(first.pk, condition="worn", note="", by=HOLDER, now=later)
    assert (done.state, done.condition) == ("returned", "worn")


def test_paper_is_not_lent_to_who_may_not_read_the_whole(home: Path) -> None:
    record = records(home, 1)[0]
    with pytest.raises(Record.DoesNotExist):
        lending.ask_loan(
            record.pk, purpose_kind="duty", purpose="核对", due_on=timezone.localdate(), by=ASKER,
            now=timezone.now(),
        )  # fmt: skip


def test_every_number_is_the_count_of_its_list(home: Path) -> None:
    _live(records(home, 1, unit=""))
    page = client(HOLDER).get("/exchange/statistics/").content.decode()
    links = re.findall(r'<a href="(/exchange/requests/\?[^"]*)">(\d+)</a>', page)
    assert len(links) > 20
    for address, count in links:
        rows = client(HOLDER).get(address.replace("&amp;", "&")).content.decode()
        assert rows.count('href="/exchange/LY-') == int(count), address


def test_statistics_leave_as_tables(home: Path) -> None:
    _live(records(home, 1, unit=""))
    text = client(HOLDER).get("/exchange/statistics.csv").content.decode("utf-8-sig")
    assert ["利用申请", "收到", "1"] in list(csv.reader(StringIO(text)))
    book = load_workbook(BytesIO(client(HOLDER).get("/exchange/statistics.xlsx").content))
    assert ("利用申请", "收到", 1) in list(book.worksheets[0].iter_rows(values_only=True))
    assert client(ASKER).get("/exchange/statistics.csv").status_code == 403


@given(st.sampled_from("=+-@\t\r＝"), st.text(max_size=12))
def test_no_cell_of_an_export_is_a_formula(sign: str, text: str) -> None:
    cell = str(harmless(f"{sign}{text}"))
    assert cell.startswith("'")
    table = csv_bytes(["a"], [[f"{sign}{text}"]]).decode("utf-8-sig")
    assert not next(iter(list(csv.reader(StringIO(table)))[1])).startswith(tuple("=+-@\t\r"))


def test_a_workbook_holds_text_where_text_was_given() -> None:
    book = load_workbook(BytesIO(xlsx_bytes("t", ["a"], [["=1+1"]], [10])))
    assert book.worksheets[0]["A2"].value == "'=1+1"
    assert book.worksheets[0]["A2"].data_type == "s"


def test_officers_ask_for_nothing_and_only_the_auditor_looks_on() -> None:
    for officer, code in (("sys_admin", 403), ("sec_admin", 403), ("audit_admin", 200)):
        Account.objects.create(username=officer, officer=officer)
        who = client(officer)
        assert who.get("/exchange/").status_code == code
        assert who.get("/exchange/new/").status_code == 403
