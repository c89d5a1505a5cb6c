"""Stored XSS: whatever a stranger wrote into a record stays text on every page that shows it.

File names, catalogue cells, recognised text, description and names of units carry markup made to
break out of element, attribute, script and comment.  No page may hold the element that they open.
"""

from itertools import islice
from pathlib import Path

import pytest
from django.test import Client
from lxml import html
from tests.archive.build import NOW, admission, original, scanned_page
from tests.intake.describing import make_batch, make_item
from tests.site.every_address import PEOPLE, make_people, make_things
from tests.site.test_every_address import things_for

from liandong.archive.models import Record
from liandong.archive.services.admission import ReadPage
from liandong.archive.services.admitting import admit
from liandong.archive.services.indexing import index_records
from liandong.archive.services.packing import pack
from liandong.base.addresses import addresses
from liandong.base.audit import record_act
from liandong.base.models import Account, Unit
from liandong.intake.models import Batch, Item, ItemFinding, ItemState, Proposal
from liandong.kernel.names import safe_name

pytestmark = pytest.mark.django_db
PROBE = "ld-probe"
BREAKS = """防汛'"></textarea></title></script>-->"""  # out of attribute, element, script, comment
MARKUP = f"""{BREAKS}<{PROBE} onfocus=alert(1) x="${{7*7}}{{{{7*7}}}}">"""
PARTS = 3  # of the pages, so that several processes share them
WHO = ("stranger", "archivist", "director", "clerk", "audit-admin", "sec-admin", "sys-admin")


def _hostile_record(home: Path) -> Record:
    staging = home / "staging"
    name = safe_name(MARKUP.replace("/", "")) + ".jpg"
    file = original(staging, name, b"\xff\xd8\xff", "image/jpeg")
    described = {
        "archival_code": "Z109-WS·2011-Y-BGS-0077", "fonds_number": "Z109",
        "archival_category": "WS", "filing_year": "2011", "retention_period": "Y",
        "org_or_subject": "BGS", "title": MARKUP, "document_number": MARKUP, "author": MARKUP,
        "document_date": "20110506", "keywords": MARKUP,
    }  # fmt: skip
    made = admission(
        staging,
        77,
        originals=[file],
        pages=[ReadPage(file.name, scanned_page(1, MARKUP, f"电话13812345678{MARKUP}"))],
        described=described,
        level=0,
        open_from=20200101,
    )
    record = admit(pack(made), made, by=MARKUP[:100], now=NOW)
    index_records([record.pk])
    return record


def _hostile_batch() -> Batch:
    batch = make_batch()
    batch.name, batch.unit = MARKUP[:200], Unit.objects.get(code="BGS")
    batch.state, batch.item_count = "pending_review", 1
    batch.save()
    item = make_item(batch, title=MARKUP)
    Item.objects.filter(pk=item.pk).update(state=ItemState.WAITING)
    ItemFinding.objects.create(
        batch=batch, item=item, code="FILE-EMPTY", severity="block", where=MARKUP, facts={}
    )
    Proposal.objects.create(
        item=item, field="title", value=MARKUP, confidence=0.9, method="pattern"
    )
    return batch


def _elements(client: Client, where: str) -> int | None:
    """How many elements of the probe's name a page holds; None for what is no page."""
    answer = client.get(where)
    for _ in getattr(answer, "streaming_content", ()):
        pass  # read to its end, which closes it
    if (
        getattr(answer, "streaming", False)
        or not answer.get("Content-Type", "").startswith("text/html")
        or not answer.content.strip()
    ):
        return None
    return len(html.fromstring(answer.content).xpath(f"//*[starts-with(name(), '{PROBE}')]"))


@pytest.mark.parametrize("part", range(PARTS))
def test_markup_of_strangers_opens_no_element_on_any_page(home: Path, part: int) -> None:
    clients = make_people()
    things = make_things(home)
    Unit.objects.update(name=MARKUP[:200])
    Account.objects.update(full_name=MARKUP[:100])
    record = _hostile_record(home)
    batch = _hostile_batch()
    record_act("open_page", by=MARKUP, now=NOW, object=f"page:{MARKUP}", why=MARKUP)
    hostile = {"record_id": record.pk, "number": 1, "batch_id": batch.pk}
    found, seen = [], 0
    pages = (one for one in addresses() if not one.methods or "GET" in one.methods)
    for address in islice(pages, part, None, PARTS):
        for thing in things_for(address, things)[:1]:
            where = address.path({**thing.values, **hostile})
            for who in WHO:
                for path in (where, f"{where}?q={MARKUP}&next={MARKUP}&fonds={MARKUP}"):
                    elements = _elements(clients[who], path)
                    if elements is None and who != "stranger":
                        break  # sent on or a file: words in the address are shown nowhere
                    seen += 1
                    if elements:
                        found.append((who, path[:60]))
    assert found == []
    assert seen > 200 / PARTS
    assert MARKUP.startswith("防汛")
    shown = clients["archivist"].get(f"/records/{record.pk}/").content.decode()
    assert f"&lt;{PROBE} onfocus" in shown  # it is shown, as text


def test_the_probe_would_be_seen() -> None:
    page = html.fromstring(f"<html><body><p>{MARKUP}</p></body></html>")
    assert page.xpath(f"//*[starts-with(name(), '{PROBE}')]")
    assert set(WHO) <= {*PEOPLE, "stranger"}
