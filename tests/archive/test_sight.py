"""One page, two views: whoever may not read the whole gets masks, in words, pixels and search."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries
from tests.archive.build import (
    NOW,
    SECRETS,
    TODAY,
    admit_numbers,
    fonds,
    secret_admission,
)
from tests.archive.sharing import share
from tests.people import ARCHIVIST, CLERK, READER, STRANGER, client_of

from liandong.archive.models import HitState, PersonalHit, Record, RecordPage, SharedRecord
from liandong.archive.policies import (
    INTERNAL,
    OPEN,
    RESTRICTED,
    SYSTEM,
    UNEXAMINED,
    Viewer,
    may_read_whole,
)
from liandong.archive.queries import (
    Sight,
    as_seen,
    files_of,
    find,
    newest_records,
    page_of_record,
    record_by_code,
    record_by_id,
    sight_of,
    sights,
    similar_codes,
)
from liandong.archive.queries.shares import live_shares
from liandong.archive.queries.sight import NOT_IN_BODY, is_withheld
from liandong.archive.services.admitting import admit
from liandong.archive.services.indexing import index_records, index_stale, mark_stale
from liandong.archive.services.packing import pack
from liandong.base.engines import engine
from liandong.base.models import Unit
from liandong.kernel.query import parse
from liandong.kernel.viewer import Share

pytestmark = pytest.mark.django_db
ANYBODY = Viewer()
OPENED = {"level": OPEN, "open_from": 20200101}
CLERK_OF_CZJ = Viewer("zhao", "CZJ", INTERNAL, frozenset({"clerk"}))
GUESSES = [
    *SECRETS,
    "建国",
    "国",
    "502室",
    '"王建国"',
    "责任者:王建国",
    "110101199003070054",
]


def seen(viewer: Viewer = ANYBODY) -> dict[str, Any]:
    return {"viewer": viewer, "today": TODAY}


def secret(home: Path, number: int = 1, **facts: Any) -> Record:
    fonds()
    one = secret_admission(home / "staging", number, **(OPENED | facts))
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])
    return record


@pytest.fixture
def record(home: Path) -> Record:
    """An open record with personal information, of the office BGS."""
    return secret(home)


def _tells(text: str) -> list[str]:
    """The secrets that a text holds, however it is escaped."""
    plain = re.sub(r"</?mark>", "", text.encode().decode("unicode_escape", "ignore") + text)
    return [word for word in (*SECRETS, "建国") if word in plain or word in text]


# Queries ------------------------------------------------------------------------------------------


def test_what_is_seen_is_decided_by_the_rule(record: Record, home: Path) -> None:
    hidden = secret(home, 2, level=RESTRICTED)
    pair = [record.pk, hidden.pk, 999]
    granted = Viewer("wu", shares=(Share("S1", whole=False, uses=frozenset({"look"})),))
    SharedRecord.objects.filter(record=hidden).delete()
    assert sights(pair, **seen()) == {record.pk: Sight.MASKED}
    assert sights(pair, **seen(SYSTEM)) == {record.pk: Sight.WHOLE, hidden.pk: Sight.WHOLE}
    assert sight_of(hidden.pk, **seen(granted)) == Sight.NOTHING


def test_a_masked_record_says_no_secret_and_cannot_be_saved(record: Record) -> None:
    shown = record_by_id(record.pk, **seen())

    assert shown is not None
    assert (shown.sight, shown.author, shown.title[:5]) == ("masked", "王**", "关于王**")
    assert _tells(repr(shown.description)) == []
    with pytest.raises(TypeError):
        shown.save()
    record.refresh_from_db()
    assert SECRETS[0] in record.title


def test_every_list_shows_masks_to_one_and_the_whole_to_another(record: Record) -> None:
    for viewer, told in ((ANYBODY, False), (SYSTEM, True)):
        lists = [
            newest_records(**seen(viewer)),
            as_seen(Record.objects.all(), **seen(viewer)),
            similar_codes(record.code, **seen(viewer)),
            [record_by_code(record.code, **seen(viewer))],
            [hit.record for hit in find(parse("防汛"), **seen(viewer)).hits],
        ]
        for rows in lists:
            assert [row is not None and SECRETS[0] in row.title for row in rows] == [told]


def test_a_masked_page_keeps_the_places_of_its_lines(record: Record) -> None:
    page = page_of_record(record.pk, 1, **seen())
    whole = page_of_record(record.pk, 1, **seen(SYSTEM))

    assert page is not None
    assert whole is not None
    assert _tells(page.text + repr(page.lines)) == []
    assert [line["box"] for line in page.lines] == [line["box"] for line in whole.lines]
    assert [len(line["text"]) for line in page.lines] == [len(line["text"]) for line in whole.lines]
    assert SECRETS[1] in whole.text
    with pytest.raises(TypeError):
        page.save()


def test_names_and_digests_of_files_are_withheld_with_the_masks(record: Record) -> None:
    shown = record_by_id(record.pk, **seen())
    assert shown is not None
    files = files_of(shown, **seen())
    assert {file.sha512 for file in files} == {""}
    assert _tells("".join(file.path for file in files)) == []
    assert files[0].path == "original/1.jpg"


def test_who_was_not_examined_yet_is_withheld_but_for_the_code(record: Record) -> None:
    Record.objects.update(personal=UNEXAMINED)
    index_records([record.pk])
    shown, page = record_by_id(record.pk, **seen()), page_of_record(record.pk, 1, **seen())

    assert shown is not None
    assert page is not None
    assert is_withheld(shown)
    assert (page.lines, page.text, shown.description) == ([], "", {"archival_code": shown.code})
    assert find(parse("防汛"), **seen()).count == 0
    assert [row.pk for row in similar_codes(record.code, **seen())] == [record.pk]
    assert find(parse("防汛"), **seen(SYSTEM)).count == 1


def test_lists_of_masked_records_cost_the_same_for_one_and_for_many(
    home: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for numbers in (range(1, 2), range(2, 6)):
        for number in numbers:
            secret(home, number)
        with django_assert_num_queries(3):  # rows, sights, hits
            assert newest_records(**seen())


# Search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guess", GUESSES)
def test_a_secret_finds_nothing_in_the_masked_view(record: Record, guess: str) -> None:
    masked, whole = find(parse(guess), **seen()), find(parse(guess), **seen(SYSTEM))

    assert (masked.hits, masked.count) == ((), 0)
    assert all(values == () for name, values in masked.facets.items() if name != "author")
    assert SECRETS[0] not in repr(masked.facets)
    assert whole.count == 1
    assert similar_codes(guess, **seen()) == []


@pytest.mark.parametrize("guess", SECRETS)
def test_leaving_out_a_secret_tells_nothing(record: Record, guess: str) -> None:
    assert find(parse(f"防汛 -{guess}"), **seen()).count == 1
    assert find(parse(f"防汛 -{guess}"), **seen(SYSTEM)).count == 0


def test_snippets_titles_and_facets_are_of_the_masked_view(record: Record) -> None:
    for typed in ("公民身份号码", "联系电话", "防汛值班", "情况说明", "姓名"):
        found = find(parse(typed), **seen())
        assert found.count == 1, typed
        assert _tells(repr(found.hits[0].title) + repr(found.hits[0].snippets)) == []
        assert found.facets["author"] == (("王**", "王**", 1),)
    assert _tells(repr(find(parse("公民身份号码"), **seen(SYSTEM)).hits[0].snippets)) != []


def test_facets_of_two_views_add_up(record: Record, home: Path) -> None:
    secret(home, 2, level=INTERNAL, unit="CZJ")
    found = find(parse("防汛"), **seen(CLERK_OF_CZJ))

    assert (found.count, found.facets["year"]) == (2, (("2011", "2011", 2),))
    assert {value: count for value, _, count in found.facets["author"]} == {
        "王**": 1, "王建国": 1,
    }  # fmt: skip
    filtered = find(parse("防汛 责任者:王建国"), **seen(CLERK_OF_CZJ))
    assert [hit.record.number for hit in filtered.hits] == [2]
    assert [hit.record.sight for hit in filtered.hits] == ["whole"]


def test_what_the_index_still_finds_by_a_secret_is_disposed(record: Record) -> None:
    PersonalHit.objects.update(state=HitState.REJECTED, reason="x", decided_by="li", decided_at=NOW)
    Record.objects.update(personal=0)
    index_records([record.pk])
    assert find(parse(SECRETS[0]), **seen()).count == 1
    PersonalHit.objects.update(state=HitState.PROPOSED, reason="", decided_by="", decided_at=None)
    Record.objects.update(personal=2)  # the index does not know yet

    assert (find(parse(SECRETS[0]), **seen()).hits, find(parse("防汛"), **seen()).count) == ((), 0)
    index_records([record.pk])
    assert find(parse("防汛"), **seen()).count == 1


# Grants -------------------------------------------------------------------------------------------


@pytest.fixture
def reader() -> Viewer:
    client_of(READER)
    return Viewer("reader", roles=frozenset({"reader"}))


def _live(person: Viewer, at: Any = None) -> Viewer:
    return replace(person, shares=live_shares(person, now=at or timezone.now()))


def test_a_grant_shows_and_finds_its_records_masked_or_whole(home: Path, reader: Viewer) -> None:
    record = secret(home, level=INTERNAL, unit="CZJ")
    assert find(parse("防汛"), **seen(_live(reader))).count == 0

    share("G1", [record], account="reader")
    assert sight_of(record.pk, **seen(_live(reader))) == Sight.MASKED
    assert find(parse("防汛"), **seen(_live(reader))).count == 1
    assert find(parse(SECRETS[1]), **seen(_live(reader))).count == 0

    share("G2", [record], account="reader", whole=True)
    assert sight_of(record.pk, **seen(_live(reader))) == Sight.WHOLE
    assert find(parse(SECRETS[1]), **seen(_live(reader))).count == 1


def test_withdrawal_and_expiry_hold_at_once_and_ask_no_index(home: Path, reader: Viewer) -> None:
    record = secret(home, level=INTERNAL, unit="CZJ")
    now = timezone.now()
    grant = share("G1", [record], account="reader", whole=True, ends_at=now + timedelta(hours=1))
    before = Record.objects.get(pk=record.pk).indexed_version
    assert find(parse(SECRETS[1]), **seen(_live(reader, now))).count == 1
    for later in (timedelta(hours=1), timedelta(hours=2), -timedelta(days=2)):
        viewer = _live(reader, now + later)
        assert (viewer.shares, find(parse(SECRETS[1]), **seen(viewer)).count) == ((), 0)
        assert record_by_id(record.pk, **seen(viewer)) is None

    grant.withdrawn_at, grant.withdrawn_by = now, "li"
    grant.save()

    assert find(parse("防汛"), **seen(_live(reader, now))).count == 0
    assert engine("search").find(
        parse("防汛"), visible=may_read_whole(SYSTEM, TODAY), whole=may_read_whole(SYSTEM, TODAY),
        limit=1,
    ).count == 1  # fmt: skip
    assert Record.objects.get(pk=record.pk).indexed_version == before


def test_a_record_that_a_new_grant_names_is_put_into_the_index_anew(
    home: Path, reader: Viewer, django_capture_on_commit_callbacks: Any
) -> None:
    record = secret(home, level=INTERNAL, unit="CZJ")
    grant = share("G1", [], account="reader")
    SharedRecord.objects.create(grant=grant, record=record)
    assert find(parse("防汛"), **seen(_live(reader))).count == 0

    with django_capture_on_commit_callbacks() as jobs:
        mark_stale([record.pk])
    assert len(jobs) == 1
    assert index_stale() == 1

    assert find(parse("防汛"), **seen(_live(reader))).count == 1


def test_a_grant_of_a_department_is_for_its_people_alone(home: Path) -> None:
    record = secret(home, level=INTERNAL, unit="BGS")
    client_of(CLERK, unit="CZJ", name="zhao")
    share("G1", [record], unit="CZJ", whole=True)
    assert sight_of(record.pk, **seen(_live(CLERK_OF_CZJ))) == Sight.WHOLE
    other = replace(CLERK_OF_CZJ, unit="JYJ")
    assert sight_of(record.pk, **seen(_live(other))) == Sight.NOTHING


# Pages --------------------------------------------------------------------------------------------


def _addresses(record: Record) -> list[str]:
    base = f"/records/{record.pk}/"
    return [
        "/", "/search/", "/search/?q=防汛", "/search/?q=姓名&order=newest", "/archive/?fonds=Z109",
        f"/archive/classes/{record.archival_class_id}/", "/me/why/", base, f"{base}why/",
        f"{base}view/", f"{base}view/?p=1&find=姓名", f"{base}pages/1/text.json",
    ]  # fmt: skip


def _got(client: Client, address: str) -> Any:
    answer = client.get(address)
    for _ in getattr(answer, "streaming_content", ()):
        pass  # read to its end, which closes it
    return answer


def _read(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def test_no_page_tells_a_secret_to_who_sees_masks(record: Record) -> None:
    for who in (STRANGER, READER):
        client = client_of(who)
        told = {path: _tells(_read(client, path)) for path in _addresses(record)}
        assert {path: words for path, words in told.items() if words} == {}


def test_the_same_pages_show_the_whole_to_another_and_say_so(record: Record) -> None:
    base = f"/records/{record.pk}/"
    stranger, archivist = client_of(STRANGER), client_of(ARCHIVIST)
    for path in (base, f"{base}view/"):
        assert "个人信息已遮盖" in _read(stranger, path)
        assert "个人信息已遮盖" not in _read(archivist, path)
        assert _tells(_read(archivist, path)) != []
    assert _tells(_read(archivist, f"{base}pages/1/text.json")) != []
    assert _tells(_read(archivist, "/search/?q=姓名")) != []


def test_a_search_for_a_secret_repeats_the_question_and_no_more(record: Record) -> None:
    page = _read(client_of(STRANGER), f"/search/?q={SECRETS[1]}")
    assert "没有找到" in page
    assert f"/records/{record.pk}/" not in page


def test_a_withheld_record_shows_a_sentence_and_no_image(record: Record) -> None:
    Record.objects.update(personal=UNEXAMINED)
    client, base = client_of(STRANGER), f"/records/{record.pk}/"
    for path in (base, f"{base}view/"):
        page = _read(client, path)
        assert "个人信息尚未审查" in page
        assert "thumb.jpg" not in page
        assert _tells(page) == []
    assert client.get(f"{base}v1/1/image").status_code == 404
    assert client.get(f"{base}v1/1/thumb.jpg").status_code == 404
    assert client.get(f"{base}pages/1/text.json").json()["lines"] == []


def test_files_go_only_to_who_reads_the_whole_and_may_copy(record: Record, home: Path) -> None:
    other = secret(home, 2, level=INTERNAL, unit="CZJ")
    files = {one: one.files.get(role="original").pk for one in (record, other)}
    assert (
        client_of(STRANGER).get(f"/records/{record.pk}/files/{files[record]}/").status_code == 403
    )
    reader = client_of(READER)
    address = f"/records/{other.pk}/files/{files[other]}/"
    steps = [
        ("", 404),
        ("look", 403),  # masked and only to look at
        ("look,copy", 403),  # masked
        ("look", 403),  # whole, only to look at
        ("look,copy", 200),
    ]
    for number, (uses, status) in enumerate(steps):
        if uses:
            share(f"G{number}", [other], account="reader", uses=uses, whole=number > 2)
        assert _got(reader, address).status_code == status, (number, uses)


# Images -------------------------------------------------------------------------------------------


def _picture(client: Client, address: str) -> Image.Image:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return Image.open(io.BytesIO(b"".join(answer.streaming_content))).convert("L")


def _share_of_black(picture: Image.Image, box: list[float]) -> float:
    part = picture.crop(tuple(round(edge) for edge in box))
    return sum(part.histogram()[:40]) / (part.width * part.height)


@pytest.mark.parametrize("tail", ["image", "page_files/9/0_0.jpg"])
def test_the_pixels_of_a_secret_are_gone(record: Record, tail: str) -> None:
    address = f"/records/{record.pk}/v1/1/{tail}"
    box = PersonalHit.objects.get(kind="resident_id").boxes[0]

    masked = _picture(client_of(STRANGER), address)
    whole = _picture(client_of(ARCHIVIST), address)

    assert _share_of_black(masked, box) > 0.98
    assert _share_of_black(whole, box) == 0
    assert _share_of_black(masked, RecordPage.objects.get().lines[0]["box"]) == 0


def test_the_thumbnail_is_made_of_the_masked_image(record: Record) -> None:
    address = f"/records/{record.pk}/v1/1/thumb.jpg"
    whole, masked = (_picture(client_of(who), address) for who in (ARCHIVIST, STRANGER))
    assert whole.size == masked.size
    assert whole.getextrema()[0] > 150 > masked.getextrema()[0]


def test_a_masked_image_has_an_address_that_dies_with_its_masks(record: Record) -> None:
    stranger, archivist = client_of(STRANGER), client_of(ARCHIVIST)
    page = _read(stranger, f"/records/{record.pk}/")
    (name,) = set(re.findall(r"thumb\.jpg\?m=([0-9a-f]+)", page))
    address = f"/records/{record.pk}/v1/1/image?m={name}"
    box = PersonalHit.objects.get(kind="mobile").boxes[0]
    for client in (stranger, archivist):
        assert _share_of_black(_picture(client, address), box) > 0.98
    assert "?m=" not in _read(archivist, f"/records/{record.pk}/")

    PersonalHit.objects.filter(kind="address").delete()

    assert {one.get(address).status_code for one in (stranger, archivist)} == {404}


def test_only_what_everybody_sees_may_be_kept(record: Record, home: Path) -> None:
    clean = admit_numbers(home / "staging", 5, **OPENED)[0]
    inside = secret(home, 6, level=INTERNAL)
    stranger, archivist = client_of(STRANGER), client_of(ARCHIVIST)
    name = re.findall(r"thumb\.jpg\?m=([0-9a-f]+)", _read(stranger, f"/records/{record.pk}/"))[0]
    image = "v1/1/image"
    kept = {
        (stranger, f"/records/{record.pk}/{image}"): False,
        (archivist, f"/records/{record.pk}/{image}"): False,
        (stranger, f"/records/{record.pk}/{image}?m={name}"): True,
        (archivist, f"/records/{record.pk}/{image}?m={name}"): True,
        (archivist, f"/records/{inside.pk}/{image}"): False,
        (stranger, f"/records/{clean.pk}/"): False,
        (archivist, f"/records/{clean.pk}/"): False,
    }
    for (client, address), keeps in kept.items():
        answer = _got(client, address)
        assert ("max-age=86400" in answer["Cache-Control"]) is keeps, address
        assert answer["Cache-Control"].startswith("private"), address
        assert "Cookie" in answer["Vary"], address


def test_the_body_of_the_index_has_each_field_once(record: Record) -> None:
    assert {"title", "archival_code", "document_number"} == NOT_IN_BODY


def test_the_explanation_names_units_as_people_know_them() -> None:
    Unit.objects.create(code="CZJ", name="市财政局")
    page = _read(client_of(CLERK, unit="CZJ"), "/me/why/")
    assert page.count("市财政局") >= 2  # of the person, and in the words of the rule
    assert "CZJ" not in page
