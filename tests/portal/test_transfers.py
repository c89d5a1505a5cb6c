"""Hand-over by interface: resumable files, a manifest, packages, every item followed."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import Settings
from tests.corpus.contents import zipped
from tests.corpus.handovers import NOW, catalogued, row
from tests.intake.running import INLINE, letter
from tests.portal.calling import Caller, caller, code_of, fonds_of, fresh_token, key_of

from liandong.base.models import AuditRow
from liandong.intake.models import Batch, Upload
from liandong.intake.services.drive import drive
from liandong.kernel.digests import digest_bytes
from liandong.portal.models import Transfer
from liandong.portal.services import handing

pytestmark = pytest.mark.django_db(transaction=True)
FILES = {"目录/说明.txt": letter(1), "目录/通知.txt": letter(2)}


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}
    fonds_of()


def _begin(who: Caller, **more: str) -> str:
    return str(who.post("/transfers", {"name": "二季度"} | more).json()["id"])


def _upload(who: Caller, transfer: str, files: Mapping[str, bytes], piece: int = 100) -> None:
    for path, content in files.items():
        begun = who.post(f"/transfers/{transfer}/files", {"path": path, "size": len(content)})
        place = f"/transfers/{transfer}/files/{begun.json()['id']}"
        for start in range(0, len(content), piece):
            assert who.put(place, content[start : start + piece], start).status_code == 200


def _manifest(files: Mapping[str, bytes], algorithm: str = "sha256") -> dict[str, Any]:
    listed = [
        {"path": path, algorithm: getattr(digest_bytes(content), algorithm)}
        for path, content in files.items()
    ]
    return {"files": listed}


def _submit(who: Caller, transfer: str, files: Mapping[str, bytes], **more: Any) -> Any:
    return who.post(f"/transfers/{transfer}/submit", _manifest(files), **more)


def _package(who: Caller, content: bytes, name: str = "包.zip", **more: str) -> Any:
    said = {"file": name, "sha256": hashlib.sha256(content).hexdigest()} | more
    query = "&".join(f"{key}={quote(text)}" for key, text in said.items())
    return who.post(f"/packages?{query}", content, content_type="application/zip")


def _drive(transfer: str) -> Batch:
    batch = Transfer.objects.get(uuid=transfer).batch
    assert batch is not None
    return drive(batch.pk, by="system", clock=lambda: NOW)


# In pieces ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_files_in_pieces_are_handed_over_as_the_manifest_says(algorithm: str) -> None:
    who = caller()
    transfer = _begin(who)
    _upload(who, transfer, FILES)

    answer = who.post(f"/transfers/{transfer}/submit", _manifest(FILES, algorithm))

    assert answer.status_code == 202
    batch = Batch.objects.get()
    assert (batch.name, batch.unit.code, batch.fonds.number) == ("二季度", "BGS", "Z109")  # type: ignore[union-attr]
    assert str(batch.uuid) == transfer
    assert set(batch.files.values_list("path", flat=True)) == set(FILES)
    assert not Upload.objects.exists()
    assert AuditRow.objects.get(act="hand_over").object == f"transfer:{transfer}"


def test_an_upload_goes_on_where_it_was_cut_off() -> None:
    who, content = caller(), letter(1) * 5
    transfer = _begin(who)
    first = who.post(f"/transfers/{transfer}/files", {"path": "a.txt", "size": len(content)})
    place = f"/transfers/{transfer}/files/{first.json()['id']}"
    who.put(place, content[:50])

    again = who.post(f"/transfers/{transfer}/files", {"path": "a.txt", "size": len(content)})
    wrong = who.put(place, content[:10])
    right = who.put(place, content[50:], 50)

    assert (again.json()["id"], again.json()["offset"]) == (first.json()["id"], 50)
    assert (wrong.status_code, code_of(wrong), wrong.json()["offset"]) == (409, "wrong-offset", 50)
    assert right.json()["sha256"] == hashlib.sha256(content).hexdigest()
    listed = who.get(f"/transfers/{transfer}/files").json()["items"]
    assert [(one["path"], one["offset"]) for one in listed] == [("a.txt", len(content))]


def test_what_is_not_exactly_the_manifest_is_not_received_and_each_fault_is_named() -> None:
    who = caller()
    transfer = _begin(who)
    _upload(who, transfer, {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"})

    answer = _submit(who, transfer, {"a.txt": b"other", "b.txt": b"b", "d.txt": b"d"})

    assert (answer.status_code, code_of(answer)) == (422, "not-as-declared")
    faults = {one["field"]: one["code"] for one in answer.json()["where"]}
    assert faults == {"a.txt": "digest", "c.txt": "extra", "d.txt": "missing"}
    assert not Batch.objects.exists()
    assert _submit(who, transfer, {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}).status_code == 202


def test_a_manifest_without_a_digest_proves_nothing() -> None:
    who = caller()
    transfer = _begin(who)
    _upload(who, transfer, {"a.txt": b"a"})
    answer = who.post(f"/transfers/{transfer}/submit", {"files": [{"path": "a.txt"}]})
    assert code_of(answer) == "not-as-declared"


def test_unfinished_files_are_named() -> None:
    who = caller()
    transfer = _begin(who)
    who.post(f"/transfers/{transfer}/files", {"path": "a.txt", "size": 10})
    answer = _submit(who, transfer, {"a.txt": b"x"})
    assert (answer.status_code, code_of(answer)) == (409, "unfinished")
    assert answer.json()["where"] == [{"field": "a.txt"}]


def test_a_file_may_be_taken_out_before_it_is_submitted_and_not_after() -> None:
    who = caller()
    transfer = _begin(who)
    _upload(who, transfer, {"a.txt": b"a", "b.txt": b"b"})
    files = {one["path"]: one["id"] for one in
             who.get(f"/transfers/{transfer}/files").json()["items"]}  # fmt: skip
    assert who.delete(f"/transfers/{transfer}/files/{files['b.txt']}").status_code == 204
    assert _submit(who, transfer, {"a.txt": b"a"}).status_code == 202
    late = who.delete(f"/transfers/{transfer}/files/{files['a.txt']}")
    assert (late.status_code, code_of(late)) == (409, "submitted")
    more = who.post(f"/transfers/{transfer}/files", {"path": "c.txt", "size": 1})
    assert code_of(more) == "submitted"


def test_submitting_twice_is_one_batch() -> None:
    who = caller()
    transfer = _begin(who)
    _upload(who, transfer, FILES)
    answers = [_submit(who, transfer, FILES) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert Batch.objects.count() == 1


def test_a_submission_that_was_cut_off_after_the_door_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who, token = Caller(key_of().token), fresh_token()
    transfer = _begin(who)
    _upload(who, transfer, FILES)
    with monkeypatch.context() as broken:
        broken.setattr(handing, "_note", _killed)
        with pytest.raises(KeyboardInterrupt):
            _submit(who, transfer, FILES, token=token)
    assert Batch.objects.count() == 1
    assert who.get(f"/transfers/{transfer}").json()["state"] == "open"

    assert _submit(who, transfer, FILES, token=token).status_code == 202

    assert Batch.objects.count() == 1
    assert Transfer.objects.get().batch == Batch.objects.get()
    assert not Upload.objects.exists()


def _killed(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "path",
    [
        "../a", "a/../../b", "/etc/passwd", "a//b", "a/./b", "C:/x", "~/x", "a\\b", "",
        "a\x00b", "a\nb", "x/" * 500, "字" * 90,
    ],
)  # fmt: skip
def test_a_path_that_leaves_the_transfer_is_refused(path: str) -> None:
    who = caller()
    answer = who.post(f"/transfers/{_begin(who)}/files", {"path": path, "size": 1})
    assert answer.status_code == 422
    assert code_of(answer) in ("invalid", "bad-name")
    assert not Upload.objects.exists()


def test_more_bytes_than_were_announced_are_refused() -> None:
    who = caller()
    transfer = _begin(who)
    begun = who.post(f"/transfers/{transfer}/files", {"path": "a", "size": 3}).json()
    answer = who.put(f"/transfers/{transfer}/files/{begun['id']}", b"four")
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


def test_a_file_over_the_limit_of_the_installation_is_refused(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    who = caller()
    answer = who.post(f"/transfers/{_begin(who)}/files", {"path": "a", "size": 1001})
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


# A package at once --------------------------------------------------------------------------------


def test_a_package_is_handed_over_checked_and_followed_to_every_item() -> None:
    who = caller()
    package = zipped(catalogued([row(1), row(2), row(3, 题名="")]))

    answer = _package(who, package)

    assert answer.status_code == 202
    transfer = answer.json()["id"]
    _drive(transfer)
    shown = who.get(f"/transfers/{transfer}").json()
    assert (shown["state"], shown["items"]) == ("pending_review", {"waiting": 2, "held": 1})
    items = who.get(f"/transfers/{transfer}/items").json()["items"]
    assert [one["state"] for one in items] == ["waiting", "waiting", "held"]
    held = who.get(f"/transfers/{transfer}/items?state=held").json()["items"]
    assert len(held) == 1
    assert {"code", "severity", "message", "remedy"} <= set(held[0]["findings"][0])
    english = who.get(f"/transfers/{transfer}/items?state=held", Accept_Language="en").json()
    assert english["items"][0]["findings"][0]["message"].startswith("The mandatory element")


def test_the_receipt_names_every_file_with_its_digests() -> None:
    who, package = caller(), zipped(catalogued([row(1)]))
    transfer = _package(who, package).json()["id"]
    receipt = who.get(f"/transfers/{transfer}/receipt").json()
    digests = digest_bytes(package)
    assert receipt["listed"] == [
        {"path": "包.zip", "bytes": len(package), "sha256": digests.sha256, "sm3": digests.sm3}
    ]
    assert receipt["received_by"] == "clerk-BGS"
    assert AuditRow.objects.filter(act="read_transfer", object=f"transfer:{transfer}").exists()


def test_an_open_transfer_has_no_receipt() -> None:
    who = caller()
    answer = who.get(f"/transfers/{_begin(who)}/receipt")
    assert (answer.status_code, code_of(answer)) == (409, "not-submitted")


def test_a_package_with_another_digest_is_not_received(home: Path) -> None:
    answer = _package(caller(), b"PK", sha256="0" * 64)
    assert (answer.status_code, code_of(answer)) == (422, "not-as-declared")
    assert not Batch.objects.exists()
    assert list((home / "staging").glob("package-*")) == []


def test_a_package_without_a_digest_is_refused() -> None:
    answer = _package(caller(), b"PK", sha256="")
    assert (answer.status_code, code_of(answer)) == (422, "not-as-declared")


@pytest.mark.parametrize("name", ["../x.zip", "a/b.zip", "C:x.zip", "x\x00.zip", "~x.zip", ".."])
def test_a_package_of_a_name_that_leaves_is_refused(name: str) -> None:
    answer = _package(caller(), b"PK", name)
    assert answer.status_code == 422
    assert not Batch.objects.exists()


def test_a_package_over_the_limit_is_refused_before_it_is_read(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    answer = _package(caller(), b"x" * 101)
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


def test_the_same_package_sent_again_is_one_transfer() -> None:
    who, token, package = caller(), fresh_token(), zipped(catalogued([row(1)]))
    digest = hashlib.sha256(package).hexdigest()
    path = f"/packages?file=a.zip&sha256={digest}"
    answers = [who.post(path, package, token=token, content_type="application/zip")
               for _ in range(2)]  # fmt: skip
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (Transfer.objects.count(), Batch.objects.count()) == (1, 1)


def _bomb(megabytes: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for number in range(megabytes // 64):
            package.writestr(f"{number}.txt", b"\0" * (64 << 20))
    return out.getvalue()


def test_a_decompression_bomb_is_told_and_unpacked_nowhere(settings: Settings, home: Path) -> None:
    settings.ZIP_MAX_BYTES = 32 << 20
    who, package = caller(), _bomb(128)
    transfer = _package(who, package).json()["id"]

    _drive(transfer)

    staged = sum(path.stat().st_size for path in (home / "staging").rglob("*") if path.is_file())
    assert staged <= 2 * len(package)
    found = who.get(f"/transfers/{transfer}/items").json()["items"]
    codes = {one["code"] for item in found for one in item["findings"]}
    shown = who.get(f"/transfers/{transfer}").json()
    assert "waiting" not in shown["items"]
    assert codes & {"SEC-ZIP-SIZE", "SEC-ZIP-BOMB"}


def test_names_inside_a_package_lead_nowhere(home: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name in ("../../escaped.txt", "/escaped.txt", "a/../../escaped.txt", "ok.txt"):
            package.writestr(name, letter(1))
    who = caller()
    transfer = _package(who, out.getvalue()).json()["id"]
    _drive(transfer)
    assert not list(home.parent.rglob("escaped.txt"))


# Whose --------------------------------------------------------------------------------------------


def test_another_department_finds_nothing_of_a_transfer() -> None:
    one, other = caller("BGS"), caller("CZJ")
    transfer = _begin(one)
    _upload(one, transfer, {"a.txt": b"a"})
    file = one.get(f"/transfers/{transfer}/files").json()["items"][0]["id"]
    answers = [
        other.get(f"/transfers/{transfer}"),
        other.get(f"/transfers/{transfer}/files"),
        other.get(f"/transfers/{transfer}/items"),
        other.get(f"/transfers/{transfer}/receipt"),
        other.put(f"/transfers/{transfer}/files/{file}", b"x"),
        other.delete(f"/transfers/{transfer}/files/{file}"),
        other.post(f"/transfers/{transfer}/files", {"path": "b", "size": 1}),
        _submit(other, transfer, {"a.txt": b"a"}),
        other.post("/transfers", {"name": "x", "mends": transfer}),
    ]
    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "not-found")}
    assert other.get("/transfers").json()["items"] == []


def test_a_file_of_another_transfer_is_not_taken() -> None:
    who = caller()
    one, other = _begin(who), _begin(who)
    begun = who.post(f"/transfers/{one}/files", {"path": "a", "size": 1}).json()["id"]
    assert who.put(f"/transfers/{other}/files/{begun}", b"x").status_code == 404
    assert who.delete(f"/transfers/{other}/files/{begun}").status_code == 404


def test_a_fonds_of_another_department_is_not_known() -> None:
    fonds_of("CZJ", "Z200")
    answer = caller().post("/transfers", {"name": "x", "fonds": "Z200"})
    assert (answer.status_code, code_of(answer)) == (422, "unknown-fonds")


def test_mended_items_come_as_a_transfer_that_names_the_first() -> None:
    who = caller()
    first = _package(who, zipped(catalogued([row(1), row(2, 题名="")]))).json()["id"]
    _drive(first)
    mended = _begin(who, mends=first)
    files = {"m.zip": zipped(catalogued([row(2)]))}
    _upload(who, mended, files, piece=10_000)
    assert _submit(who, mended, files).status_code == 202
    batch = _drive(mended)
    assert batch.mends == Transfer.objects.get(uuid=first).batch
    assert who.get(f"/transfers/{mended}").json()["items"] == {"waiting": 1}
