"""Files on their way up: pieces, receipts, and everything that can go wrong with them."""

import hashlib
import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.corpus.handovers import NOW

from liandong.base.models import Account, Post, Unit
from liandong.intake.models import Batch, Upload
from liandong.intake.services.receive import NothingReceived, sweep_staging
from liandong.intake.services.upload import (
    KEEP_UNFINISHED,
    TooLarge,
    Unfinished,
    WrongOffset,
    begin,
    receive_session,
    sweep,
    take_piece,
)
from liandong.kernel.names import BadPath

pytestmark = pytest.mark.django_db
SESSION = UUID("6b0f3a3c-0000-4000-8000-000000000001")
CONTENT = b"0123456789" * 100


def _begin(path: str = "a/b.txt", size: int = len(CONTENT), by: str = "wang") -> Upload:
    return begin(SESSION, path, size, by=by, now=NOW)


def _send(path: str = "a/b.txt", content: bytes = CONTENT) -> Upload:
    upload = _begin(path, len(content))
    return take_piece(upload.uuid, 0, content, by="wang") if content else upload


# Pieces -------------------------------------------------------------------------------------------


@given(cuts=st.lists(st.integers(1, len(CONTENT) - 1), max_size=6, unique=True))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_pieces_of_any_size_give_the_file_and_its_receipt(cuts: list[int]) -> None:
    upload = begin(uuid4(), "a.txt", len(CONTENT), by="wang", now=NOW)
    edges = [0, *sorted(cuts), len(CONTENT)]
    for start, end in pairwise(edges):
        assert not upload.sha256
        upload = take_piece(upload.uuid, start, CONTENT[start:end], by="wang")

    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_beginning_again_says_where_to_go_on() -> None:
    take_piece(_begin().uuid, 0, CONTENT[:300], by="wang")

    again = _begin()

    assert again.offset == 300
    assert take_piece(again.uuid, 300, CONTENT[300:], by="wang").sha256


@pytest.mark.parametrize("offset", [0, 299, 301, 1000, -1])
def test_a_piece_at_another_place_is_refused_with_the_right_one(offset: int) -> None:
    upload = take_piece(_begin().uuid, 0, CONTENT[:300], by="wang")

    with pytest.raises(WrongOffset) as refused:
        take_piece(upload.uuid, offset, CONTENT[300:400], by="wang")
    assert refused.value.offset == 300


def test_more_bytes_than_announced_are_refused() -> None:
    upload = _begin(size=10)

    with pytest.raises(TooLarge):
        take_piece(upload.uuid, 0, CONTENT[:11], by="wang")
    assert Upload.objects.get().offset == 0


@pytest.mark.parametrize("size", [-1, 21 * 1024**3])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(TooLarge):
        _begin(size=size)


def test_a_piece_that_was_cut_off_by_a_kill_is_written_again(settings: Any) -> None:
    upload = take_piece(_begin().uuid, 0, CONTENT[:300], by="wang")
    part = next(settings.STAGING.rglob("*.part"))
    with part.open("ab") as file:
        file.write(b"half of the next piece")  # on the disk, but no row says so

    upload = take_piece(upload.uuid, 300, CONTENT[300:], by="wang")

    assert part.read_bytes() == CONTENT
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_bytes_lost_from_the_disk_are_asked_for_again(settings: Any) -> None:
    upload = take_piece(_begin().uuid, 0, CONTENT[:300], by="wang")
    next(settings.STAGING.rglob("*.part")).unlink()

    with pytest.raises(WrongOffset) as refused:
        take_piece(upload.uuid, 300, CONTENT[300:], by="wang")
    assert refused.value.offset == 0


def test_another_size_under_the_same_path_begins_anew() -> None:
    _send()

    again = _begin(size=5)

    assert (again.offset, again.sha256, again.size_bytes) == (0, "", 5)


def test_an_empty_file_is_complete_at_once() -> None:
    assert _begin(size=0).sha256 == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "a\\b", "C:/a", "", "a//b"])
def test_a_path_that_leaves_the_hand_over_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        _begin(path)
    assert not Upload.objects.exists()


def test_nobody_reaches_into_the_session_of_another() -> None:
    upload = _begin()

    with pytest.raises(Upload.DoesNotExist):
        take_piece(upload.uuid, 0, CONTENT, by="li")
    with pytest.raises(Upload.DoesNotExist):
        _begin(size=3, by="li")
    assert Upload.objects.get().size_bytes == len(CONTENT)


# Hand-over ----------------------------------------------------------------------------------------


def _receive(by: str = "wang") -> Batch:
    return receive_session(SESSION, name="上传", by=by, now=NOW)


def test_a_session_becomes_a_batch_with_the_digests_of_the_receipts(settings: Any) -> None:
    receipts = {path: _send(path, content).sha256 for path, content in
                {"a/1.txt": b"one", "a/2.txt": b"two", "空.txt": b""}.items()}  # fmt: skip

    batch = _receive()

    assert dict(batch.files.values_list("path", "sha256")) == receipts
    for file in batch.files.all():
        staged = (settings.STAGING / file.staged).read_bytes()
        assert hashlib.sha256(staged).hexdigest() == file.sha256
        assert hashlib.sha512(staged).hexdigest() == file.sha512
    assert not Upload.objects.exists()
    assert not list(settings.STAGING.rglob("*.part"))


def test_an_unfinished_session_is_refused_and_names_its_files() -> None:
    _send("a.txt")
    take_piece(_begin("b.txt").uuid, 0, CONTENT[:1], by="wang")

    with pytest.raises(Unfinished) as refused:
        _receive()
    assert refused.value.paths == ["b.txt"]
    assert not Batch.objects.exists()


def test_a_file_that_is_not_what_its_receipt_says_is_sent_again(settings: Any) -> None:
    _send("a.txt")
    next(settings.STAGING.rglob("*.part")).write_bytes(CONTENT[::-1])

    with pytest.raises(Unfinished) as refused:
        _receive()
    assert refused.value.paths == ["a.txt"]
    assert Upload.objects.get().offset == 0


def test_a_full_disk_while_receiving_loses_no_upload(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    _send("a.txt")
    with monkeypatch.context() as patch:
        patch.setattr("liandong.intake.services.receive._sync", full)
        with pytest.raises(OSError, match="No space"):
            _receive()
    assert [path.name for path in settings.STAGING.iterdir()] == ["uploads"]

    assert _receive().files.get().sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_a_session_without_files_or_of_another_gives_no_batch() -> None:
    _send("a.txt")

    with pytest.raises(NothingReceived):
        _receive(by="li")


def test_abandoned_uploads_are_forgotten_after_a_week(settings: Any) -> None:
    _send("a.txt")

    assert sweep(now=NOW + KEEP_UNFINISHED) == 0
    assert sweep(now=NOW + KEEP_UNFINISHED + timedelta(seconds=1)) == 1
    assert not list((settings.STAGING / "uploads").rglob("*"))


def test_a_folder_that_a_killed_hand_over_left_is_removed_after_a_day(settings: Any) -> None:
    _send("a.txt")
    batch = _receive()
    orphan = settings.STAGING / str(uuid4())
    orphan.mkdir()
    (orphan / "000000.txt").write_bytes(b"x")
    later = NOW + timedelta(days=36_500)

    assert sweep_staging(now=NOW) == 0
    assert sweep_staging(now=later) == 1
    assert not orphan.exists()
    assert (settings.STAGING / batch.files.get().staged).exists()


# HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(client: Client) -> Client:
    unit = Unit.objects.create(code="BGS", name="办公室")
    account = Account.objects.create(username="wang", unit=unit)
    Post.objects.create(account=account, role="clerk")
    client.force_login(account)
    return client


def _post(client: Client, **asked: Any) -> Any:
    return client.post("/transfers/uploads/", json.dumps(asked), content_type="application/json")


def _put(client: Client, upload: str, offset: object, content: bytes) -> Any:
    return client.put(
        f"/transfers/uploads/{upload}/", content, content_type="application/octet-stream",
        headers={"Upload-Offset": str(offset)},
    )  # fmt: skip


def test_the_three_verbs_of_an_upload(clerk: Client) -> None:
    begun = _post(clerk, name="a.txt", size=6, path="x/a.txt").json()
    assert begun["offset"] == 0

    assert _put(clerk, begun["id"], 0, b"abc").json() == {"offset": 3}
    assert clerk.get(f"/transfers/uploads/{begun['id']}/").json() == {"offset": 3}
    wrong = _put(clerk, begun["id"], 0, b"abc")
    assert (wrong.status_code, wrong.json()["offset"]) == (409, 3)
    done = _put(clerk, begun["id"], 3, b"def").json()
    assert done == {"offset": 6, "sha256": hashlib.sha256(b"abcdef").hexdigest()}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"name": "a.txt", "size": 30 * 1024**3}, 413),
        ({"name": "a.txt", "size": -1}, 413),
        ({"name": "../a.txt", "size": 1}, 400),
        ({"name": "a.txt", "size": "many"}, 400),
        ({"size": 1}, 400),
        ({"name": "a.txt", "size": 1, "batch": "no-uuid"}, 400),
        ([], 400),
    ],
)
def test_a_bad_beginning_is_refused_in_words(clerk: Client, asked: Any, status: int) -> None:
    answer = clerk.post("/transfers/uploads/", json.dumps(asked), content_type="application/json")

    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.parametrize("offset", ["", "x", "1.5", "-0x1"])
def test_a_piece_without_a_place_is_refused(clerk: Client, offset: str) -> None:
    begun = _post(clerk, name="a.txt", size=6).json()

    assert _put(clerk, begun["id"], offset, b"abc").status_code == 400


def test_a_full_disk_is_said_and_the_upload_goes_on(
    clerk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    begun = _post(clerk, name="a.txt", size=3).json()
    with monkeypatch.context() as patch:
        patch.setattr("liandong.intake.services.upload._write", full)
        answer = _put(clerk, begun["id"], 0, b"abc")

    assert (answer.status_code, answer.json()["message"]) == (
        507, "服务器存储空间不足，请稍后继续上传",
    )  # fmt: skip
    assert _put(clerk, begun["id"], 0, b"abc").json()["sha256"]


def test_an_unknown_upload_and_another_ones_session_are_not_found(clerk: Client) -> None:
    Upload.objects.create(
        session=SESSION, path="a", size_bytes=1, created_at=NOW, created_by="someone"
    )

    assert _put(clerk, str(uuid4()), 0, b"abc").status_code == 404
    assert _post(clerk, name="a", size=1, batch=str(SESSION)).status_code == 404


def test_an_upload_of_a_visitor_is_refused(client: Client, tmp_path: Path) -> None:
    assert _post(client, name="a.txt", size=1).status_code == 403
