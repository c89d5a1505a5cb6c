"""What is hidden or masked leaks through no side door: counts, order, caches, headers, errors."""

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from tests.archive.build import NOW, SECRETS, TODAY, admit_numbers, fonds, secret_admission
from tests.people import ARCHIVIST, CLERK, READER, STRANGER, client_of

from liandong.archive.models import Record
from liandong.archive.policies import OPEN, RESTRICTED, Viewer
from liandong.archive.queries import find, holdings_tree, newest_records, records_of_class
from liandong.archive.services.admitting import admit
from liandong.archive.services.indexing import hide_until_indexed, index_records, index_stale
from liandong.archive.services.packing import pack
from liandong.base.addresses import addresses
from liandong.kernel.ports import SearchQuery
from liandong.kernel.query import parse

pytestmark = pytest.mark.django_db
ANYBODY: dict[str, Any] = {"viewer": Viewer(), "today": TODAY}
OPENED = {"level": OPEN, "open_from": 20200101}
HIDDEN = {"level": RESTRICTED, "open_from": 99991231, "unit": "CZJ"}


@pytest.fixture
def shelf(home: Path) -> tuple[list[Record], list[Record]]:
    """Three open records, and four hidden ones between them in the same class."""
    fonds()
    opened = admit_numbers(home / "staging", 1, 4, 7, **OPENED)
    hidden = admit_numbers(home / "staging", 2, 3, 5, 6, **HIDDEN)
    index_records([one.pk for one in [*opened, *hidden]])
    return opened, hidden


def _secret(home: Path, number: int = 1, **facts: Any) -> Record:
    fonds()
    one = secret_admission(home / "staging", number, **(OPENED | facts))
    record = admit(pack(one), one, by="li", now=NOW)
    index_records([record.pk])
    return record


def _got(client: Client, address: str, **headers: str) -> Any:
    answer = client.get(address, headers=headers)
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


# Counts and lists ---------------------------------------------------------------------------------


def test_no_page_of_a_list_is_short_or_counts_what_is_hidden(
    shelf: tuple[list[Record], list[Record]],
) -> None:
    opened, _hidden = shelf
    pages = [find(parse("防汛"), **ANYBODY, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [len(page.hits) for page in pages] == [2, 1, 0]
    assert {page.count for page in pages} == {3}
    listed = records_of_class(opened[0].archival_class_id, **ANYBODY, limit=2)
    assert [one.number for one in listed] == [1, 4, 7]  # one more than the limit: there is more
    rest = records_of_class(opened[0].archival_class_id, **ANYBODY, after=listed[1].code, limit=2)
    assert [one.number for one in rest] == [7]
    assert len(newest_records(**ANYBODY, limit=3)) == 3


@pytest.mark.parametrize("order", ["relevance", "newest", "oldest"])
def test_the_order_of_what_is_seen_does_not_depend_on_what_is_hidden(
    shelf: tuple[list[Record], list[Record]], order: str
) -> None:
    def ordered() -> list[int]:
        found = find(parse("防汛 工作"), **ANYBODY, order=order)
        return [hit.record.pk for hit in found.hits]

    before = ordered()
    Record.objects.filter(level=RESTRICTED).delete()
    index_records([one.pk for one in shelf[0]])
    assert ordered() == before


def test_facets_and_the_tree_name_only_what_is_seen(home: Path) -> None:
    fonds()
    fonds("Z110", title="秘密机构")
    opened = admit_numbers(home / "staging", 1, **OPENED)
    hidden = admit_numbers(home / "staging", 2, **HIDDEN)
    index_records([one.pk for one in [*opened, *hidden]])
    facets = find(SearchQuery(), **ANYBODY).facets
    assert facets["year"] == (("2011", "2011", 1),)
    assert facets["fonds"] == (("Z109", "Z109 临江市人民政府", 1),)
    assert [(one.value, one.count) for one in holdings_tree(**ANYBODY)] == [("Z109", None)]
    for path in ("/archive/", "/search/?q=防汛", "/"):
        assert "秘密机构" not in client_of(STRANGER).get(path).content.decode()


def test_a_hidden_class_and_an_absent_one_answer_alike(home: Path) -> None:
    fonds()
    (hidden,) = admit_numbers(home / "staging", 2, **HIDDEN)
    paths = (f"/archive/classes/{hidden.archival_class_id}/", "/archive/classes/987654/")
    assert {client_of(STRANGER).get(path).status_code for path in paths} == {404}


def test_asking_for_a_hidden_code_tells_no_more_than_an_absent_one(
    shelf: tuple[list[Record], list[Record]],
) -> None:
    client, code = client_of(STRANGER), shelf[1][0].code
    for template in ("/search/?q={}", "/me/why/?code={}", "/search/?q=文号:{}"):
        there, absent = (
            client.get(template.format(one)) for one in (code, code.replace("0002", "0099"))
        )
        assert there.status_code == absent.status_code
        pair = [
            answer.content.decode().replace(one, "").replace("0099", "").replace("0002", "")
            for answer, one in ((there, code), (absent, code))
        ]
        assert len(pair[0].splitlines()) == len(pair[1].splitlines())
        assert "共 0 件" in pair[0] or "没有找到" in pair[0]


def test_a_record_that_is_narrowed_is_not_found_until_it_is_indexed_anew(
    home: Path, django_capture_on_commit_callbacks: Any
) -> None:
    record = _secret(home)
    with django_capture_on_commit_callbacks(execute=True):
        hide_until_indexed([record.pk])
    assert find(parse("防汛"), **ANYBODY).count == 0
    assert index_stale() == 1
    assert find(parse("防汛"), **ANYBODY).count == 1


# Headers and errors -------------------------------------------------------------------------------


def test_no_validator_tells_that_a_guess_is_right(home: Path) -> None:
    opened, hidden = _secret(home), _secret(home, 2, **HIDDEN)
    client = client_of(STRANGER)
    for record in (opened, hidden):
        file = record.files.get(role="original")
        paths = [f"/records/{record.pk}/files/{file.pk}/", f"/records/{record.pk}/v1/1/image"]
        for path in paths:
            plain = _got(client, path)
            asked = [
                _got(client, path, **{"If-None-Match": f'"{file.sha512[:32]}"'}),
                _got(client, path, **{"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
                _got(client, path, Range="bytes=0-0"),
            ]
            assert {one.status_code for one in asked} == {plain.status_code}, path
            assert not {"ETag", "Last-Modified"} & set(plain.headers), path


def test_images_of_another_version_are_as_masked_as_those_of_this(home: Path) -> None:
    record = _secret(home)
    images = {
        version: _got(client_of(STRANGER), f"/records/{record.pk}/v{version}/1/image").body
        for version in (0, 1, 2, 99)
    }
    whole = _got(client_of(ARCHIVIST), f"/records/{record.pk}/v1/1/image").body
    assert len(set(images.values())) == 1
    assert images[1] != whole


@pytest.mark.parametrize("who", [STRANGER, READER])
def test_errors_and_health_name_no_content(home: Path, who: str) -> None:
    record = _secret(home, 2, **HIDDEN)
    client = client_of(who)
    paths = [f"/records/{record.pk}/", f"/records/{record.pk}/ocr/", "/healthz/", "/nothing/"]
    for path in paths:
        page = _got(client, path).body.decode()
        assert not [word for word in (*SECRETS, record.code) if word in page], path


# Caches -------------------------------------------------------------------------------------------


@dataclass
class SharedCache:
    """A proxy in front of everybody that keeps what RFC 9111 lets a shared cache keep."""

    kept: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def get(self, client: Client, address: str) -> Any:
        """From the cache where it may serve it, else from the server."""
        if address in self.kept:
            self.hits += 1
            return self.kept[address]
        answer = _got(client, address)
        rules = answer.get("Cache-Control", "")
        if not any(word in rules for word in ("private", "no-store", "no-cache")):
            self.kept[address] = answer
        return answer


@dataclass
class BrowserCache(SharedCache):
    """The cache of one browser, which two people use one after the other."""

    def get(self, client: Client, address: str) -> Any:
        """What was kept for the one before is shown without asking the server."""
        if address in self.kept:
            self.hits += 1
            return self.kept[address]
        answer = _got(client, address)
        if "max-age" in answer.get("Cache-Control", ""):
            self.kept[address] = answer
        return answer


@pytest.mark.parametrize("kind", [SharedCache, BrowserCache])
def test_no_cache_gives_one_person_what_another_saw(home: Path, kind: Any) -> None:
    cache.clear()
    records = [_secret(home), _secret(home, 2, level=1, unit="BGS"), _secret(home, 3, **HIDDEN)]
    between = kind()
    seen: dict[tuple[str, str], Any] = {}
    for who in (ARCHIVIST, CLERK, READER, STRANGER):
        for path in _paths(records):
            got, fresh = between.get(client_of(who), path), _got(client_of(who), path)
            assert (got.status_code, _plain(got)) == (fresh.status_code, _plain(fresh)), (who, path)
            seen[who, path] = fresh.status_code
    assert {seen[ARCHIVIST, path] for path in _paths(records)} == {HTTPStatus.OK}
    assert HTTPStatus.NOT_FOUND in seen.values()


def _paths(records: list[Record]) -> list[str]:
    paths = ["/search/?q=防汛", "/search/", "/me/why/"]
    for record in records:
        base = f"/records/{record.pk}/"
        paths += [
            base, f"{base}view/", f"{base}pages/1/text.json", f"{base}v1/1/image",
            f"{base}v1/1/thumb.jpg", f"{base}v1/1/page.dzi", f"{base}v1/1/page_files/0/0_0.jpg",
        ]  # fmt: skip
    return paths


def _plain(answer: Any) -> list[bytes]:
    noise = (b"csrf", b"X-CSRFToken", b"<code>", b"next")
    return [line for line in answer.body.splitlines() if not any(word in line for word in noise)]


def test_every_answer_to_somebody_who_signed_in_is_kept_by_nobody(home: Path) -> None:
    client = client_of(READER)
    for address in addresses():
        if address.parameters or "GET" not in address.methods:
            continue
        answer = _got(client, address.route)
        assert {"private", "no-store"} & set(answer["Cache-Control"].split(", ")), address.route
        assert "max-age=86400" not in answer["Cache-Control"], address.route
