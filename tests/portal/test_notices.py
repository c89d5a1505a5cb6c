"""Event notices: who is told what and once, signed, retried, stopped; ids and states, no more."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from tests.archive.build import admit_numbers, fonds
from tests.intake.running import INLINE, letter
from tests.portal.calling import Caller, account_of, caller, code_of, fonds_of, key_of, unit_of
from tests.portal.messengers import KeepingMessenger
from tests.portal.test_filing import _b64, _document

from liandong.archive.models import SharedRecord, ShareGrant
from liandong.base.models import Account, AuditRow
from liandong.intake.models import Batch
from liandong.intake.services.decide import accept, send_back
from liandong.intake.services.drive import drive
from liandong.kernel.ports import Letter, Reply
from liandong.kernel.webhooks import verify
from liandong.portal import tasks
from liandong.portal.models import Attempt, Delivery, Filing, KeptAnswer, Subscription, Told
from liandong.portal.queries.changes import EVENTS
from liandong.portal.services.delivering import (
    BACK_OFF,
    KEPT,
    LEASE,
    MOST_FAILURES,
    deliver_due,
    sweep,
)
from liandong.portal.services.notices import MOST, OVERLAP, tell

pytestmark = pytest.mark.django_db(transaction=True)
URL = "https://oa.example.gov.cn/events"
ALL_EVENTS = [one for one in EVENTS if one != "ping"]


@pytest.fixture(autouse=True)
def _inline(settings: Any, home: Path) -> None:
    settings.ENGINES = {**settings.ENGINES, "compute": INLINE}
    fonds_of()


def _subscribe(who: Caller, *events: str, **more: Any) -> dict[str, Any]:
    body = {"url": URL, "events": list(events) or ALL_EVENTS} | more
    answer = who.post("/webhooks", body)
    assert answer.status_code == 201, answer.content
    shown: dict[str, Any] = answer.json()
    return shown


def _now(**later: float) -> datetime:
    return timezone.now() + timedelta(**later)


def _deliver(**later: float) -> int:
    now = _now(**later)
    return deliver_due(clock=lambda: now)


def _told() -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in Delivery.objects.order_by("pk")]


def _types() -> list[str]:
    return [one["type"] for one in _told()]


def _file(who: Caller, number: str = "1") -> Batch:
    text = {"name": "正文.txt", "content": _b64(letter(1, number))}
    answer = who.post("/filings", _document(number, files=[text]))
    batch = Filing.objects.get(uuid=answer.json()["id"]).batch
    assert batch is not None
    return drive(batch.pk, by="system", clock=timezone.now)


def _accept(batch: Batch) -> None:
    accept(list(batch.items.values_list("pk", flat=True)), by="li", now=_now())
    drive(batch.pk, by="system", clock=timezone.now)


def _letters() -> Iterator[tuple[Letter, dict[str, Any]]]:
    for one in KeepingMessenger.sent:
        yield one, json.loads(one.body)


# What is told -------------------------------------------------------------------------------------


def test_every_change_of_a_filing_is_told_once_with_ids_and_states() -> None:
    who = caller()
    _subscribe(who)
    batch = _file(who)
    assert tell(now=_now()) == 1
    _accept(batch)
    tell(now=_now())
    assert tell(now=_now()) == 0

    assert _types() == ["transfer.received", "transfer.ended", "item.admitted", "filing.accepted"]
    accepted = _told()[-1]["data"]
    item = batch.items.get()
    assert accepted == {
        "batch": str(batch.uuid), "item": str(item.uuid), "state": "admitted", "code": item.code,
        "filing": str(Filing.objects.get().uuid), "system": "oa", "document_id": "1",
    }  # fmt: skip


def test_a_returned_and_a_held_item_are_told() -> None:
    who = caller()
    _subscribe(who, "item.returned", "item.held", "filing.returned", "filing.held")
    batch = _file(who)
    tell(now=_now())
    send_back([batch.items.get().pk], reason="张三的身份证不全", by="li", now=_now())
    program = [{"name": "正文.exe", "content": _b64(b"MZ" + bytes(200) + b"PE\0\0")}]
    who.post("/filings", _document("2", files=program))
    drive(Batch.objects.latest("pk").pk, by="system", clock=timezone.now)
    tell(now=_now())
    assert sorted(_types()) == ["filing.held", "filing.returned", "item.held", "item.returned"]


def test_no_title_name_or_text_is_ever_told() -> None:
    who = caller()
    _subscribe(who)
    batch = _file(who)
    tell(now=_now())
    _accept(batch)
    tell(now=_now())
    _deliver()
    sent = b"".join(one.body for one in KeepingMessenger.sent).decode()
    for secret in ("防汛", "临政办发", "临江市", "王某", "正文", "归档接口", "clerk"):
        assert secret not in sent
    keys = {key for _, body in _letters() for key in body["data"]}
    assert keys == {"batch", "item", "state", "code", "filing", "system", "document_id"}


def test_another_department_is_told_nothing() -> None:
    _subscribe(caller("CZJ"))
    _accept(_file(caller("BGS")))
    tell(now=_now())
    assert _told() == []


def test_what_was_there_before_the_subscription_is_not_told() -> None:
    who = caller()
    batch = _file(who)
    _subscribe(who)
    _accept(batch)
    assert tell(now=_now()) == 0


def test_only_the_events_that_were_asked_for_are_told() -> None:
    who = caller()
    _subscribe(who, "item.admitted")
    _accept(_file(who))
    tell(now=_now())
    assert _types() == ["item.admitted"]


def _grant(home: Path, unit: str) -> ShareGrant:
    fonds("Z109")
    [record] = admit_numbers(home / "staging", 1, unit="QT")
    grant = ShareGrant.objects.create(
        code="LY-2026-0001", unit=unit_of(unit), purpose="核对张三的档案", uses="look",
        begins_at=_now(), ends_at=_now(days=1), granted_at=_now(), granted_by="li",
    )  # fmt: skip
    SharedRecord.objects.create(grant=grant, record=record)
    return grant


def test_a_grant_is_told_when_it_is_given_and_when_it_ends(home: Path) -> None:
    _subscribe(caller())
    _grant(home, "BGS")
    tell(now=_now(seconds=1))
    tell(now=_now(days=1, seconds=1))
    assert [(one["type"], one["data"]) for one in _told()] == [
        ("share.granted", {"share": "LY-2026-0001", "state": "granted"}),
        ("share.ended", {"share": "LY-2026-0001", "state": "ended"}),
    ]


def test_a_grant_that_is_withdrawn_is_told_and_no_other_department_hears_of_it(home: Path) -> None:
    _subscribe(caller())
    _subscribe(caller("CZJ"))
    grant = _grant(home, "BGS")
    ShareGrant.objects.filter(pk=grant.pk).update(withdrawn_at=_now(), withdrawn_by="li")
    tell(now=_now(seconds=1))
    assert _types() == ["share.granted", "share.withdrawn"]
    assert {one.subscription.unit.code for one in Delivery.objects.all()} == {"BGS"}


def test_a_held_item_that_is_held_again_is_told_again() -> None:
    who = caller()
    _subscribe(who, "item.held")
    program = [{"name": "正文.exe", "content": _b64(b"MZ" + bytes(200) + b"PE\0\0")}]
    who.post("/filings", _document("2", files=program))
    batch = Batch.objects.get()
    drive(batch.pk, by="system", clock=timezone.now)
    tell(now=_now())
    batch.items.update(state="received")
    tell(now=_now())
    batch.items.update(state="held")
    tell(now=_now())
    assert _types() == ["item.held", "item.held"]


def test_a_kill_while_telling_loses_nothing_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = caller()
    _subscribe(who)
    _accept(_file(who))
    usual = Delivery.objects.bulk_create
    calls: list[int] = []

    def die(rows: list[Delivery], *args: Any, **terms: Any) -> Any:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return usual(rows, *args, **terms)

    with monkeypatch.context() as broken:
        broken.setattr(Delivery.objects, "bulk_create", die)
        with pytest.raises(KeyboardInterrupt):
            tell(now=_now())
    tell(now=_now())
    assert sorted(_types()) == sorted(
        ["transfer.received", "transfer.ended", "item.admitted", "filing.accepted"]
    )


# Delivered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
def test_a_notice_is_signed_as_its_subscriber_checks_it(algorithm: str) -> None:
    made = _subscribe(caller(), algorithm=algorithm)
    caller().post(f"/webhooks/{made['id']}/ping")

    assert _deliver() == 1

    [(letter_sent, body)] = _letters()
    headers = letter_sent.headers
    assert letter_sent.url == URL
    assert (body["type"], body["id"]) == ("ping", headers["webhook-id"])
    assert headers["webhook-key"] == "1"
    assert verify(
        [made["secret"]], notice=headers["webhook-id"], timestamp=headers["webhook-timestamp"],
        signature=headers["webhook-signature"], body=letter_sent.body,
        now=int(timezone.now().timestamp()),
    )  # fmt: skip
    assert Delivery.objects.get().taken_at


def test_a_notice_that_is_not_taken_is_sent_again_under_its_id_until_it_is_given_up() -> None:
    made = _subscribe(caller())
    caller().post(f"/webhooks/{made['id']}/ping")
    KeepingMessenger.replies.extend([Reply(500)] * 20)
    later = timedelta()
    for wait in (timedelta(), *BACK_OFF):
        later += wait + timedelta(seconds=1)
        assert _deliver(seconds=later.total_seconds()) == 1
    assert _deliver(days=30) == 0
    notice = Delivery.objects.get()
    assert (notice.attempts, notice.next_at, notice.taken_at) == (len(BACK_OFF) + 1, None, None)
    assert len({one.headers["webhook-id"] for one in KeepingMessenger.sent}) == 1
    assert list(Attempt.objects.values_list("status", flat=True)) == [500] * 9


def test_it_is_not_sent_before_its_time() -> None:
    made = _subscribe(caller())
    caller().post(f"/webhooks/{made['id']}/ping")
    KeepingMessenger.replies.append(Reply(trouble="timeout"))
    assert (_deliver(), _deliver(seconds=5), _deliver(seconds=11)) == (1, 0, 1)
    assert Delivery.objects.get().taken_at


def test_a_notice_whose_sender_died_is_sent_again_after_its_lease() -> None:
    made = _subscribe(caller())
    caller().post(f"/webhooks/{made['id']}/ping")
    Delivery.objects.update(next_at=_now() + LEASE)
    assert _deliver() == 0
    assert _deliver(seconds=LEASE.total_seconds() + 1) == 1


def test_after_many_failures_in_a_row_a_subscription_is_stopped_and_says_why() -> None:
    who = caller()
    made = _subscribe(who)
    for _ in range(MOST_FAILURES):
        who.post(f"/webhooks/{made['id']}/ping")
    KeepingMessenger.replies.extend([Reply(410)] * MOST_FAILURES)
    _deliver()
    shown = who.get(f"/webhooks/{made['id']}").json()
    assert (shown["stopped_why"], shown["failures"]) == ("failures", MOST_FAILURES)
    assert AuditRow.objects.get(act="stop_subscription").by == "system"
    assert _deliver(days=1) == 0

    who.patch(f"/webhooks/{made['id']}", {"stopped": False})

    assert _deliver(days=1) == MOST_FAILURES  # nothing that waited is lost
    assert who.get(f"/webhooks/{made['id']}").json()["failures"] == 0


def test_one_success_forgets_the_failures_before() -> None:
    who = caller()
    made = _subscribe(who)
    who.post(f"/webhooks/{made['id']}/ping")
    KeepingMessenger.replies.append(Reply(500))
    _deliver()
    assert Subscription.objects.get().failures == 1
    _deliver(minutes=1)
    assert Subscription.objects.get().failures == 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"unit": None}])
def test_a_subscription_whose_account_left_is_stopped(change: dict[str, Any]) -> None:
    who = Caller(key_of(account=account_of("qian")).token)
    made = _subscribe(who)
    who.post(f"/webhooks/{made['id']}/ping")
    Account.objects.filter(username="qian").update(**change)
    assert _deliver() == 0
    assert KeepingMessenger.sent == []
    assert Subscription.objects.get().stopped_why == "account"


def test_the_log_of_deliveries_says_how_each_try_went_and_one_may_be_sent_again() -> None:
    who = caller()
    made = _subscribe(who)
    who.post(f"/webhooks/{made['id']}/ping")
    KeepingMessenger.replies.append(Reply(trouble="tls:CERTIFICATE_VERIFY_FAILED", took_ms=7))
    _deliver()
    path = f"/webhooks/{made['id']}/deliveries"
    [shown] = who.get(path).json()["items"]
    assert shown["state"] == "waiting"
    assert shown["tries"][0]["trouble"] == "tls:CERTIFICATE_VERIFY_FAILED"

    assert who.post(f"{path}/{shown['id']}/again").status_code == 202

    _deliver()
    [shown] = who.get(path).json()["items"]
    assert (shown["state"], len(shown["tries"])) == ("taken", 2)


def test_old_notices_are_forgotten() -> None:
    made = _subscribe(caller())
    caller().post(f"/webhooks/{made['id']}/ping")
    _deliver()
    assert sweep(now=_now()) == 0
    assert sweep(now=_now() + KEPT) > 0
    assert not Attempt.objects.exists()


def test_the_job_tells_and_delivers_at_once() -> None:
    who = caller()
    _subscribe(who, "transfer.received")
    _file(who)
    assert tasks.send_notices.call() == 1
    assert [body["type"] for _, body in _letters()] == ["transfer.received"]
    assert tasks.sweep_portal.call() == 0
    call_command("check")


# Subscriptions ------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_kept_nowhere() -> None:
    who = caller()
    made = _subscribe(who)
    secret = made["secret"].removeprefix("whsec_")
    assert "secret" not in who.get(f"/webhooks/{made['id']}").json()
    rows = [
        *Subscription.objects.values(),
        *KeptAnswer.objects.values(),
        *AuditRow.objects.values(),
    ]
    assert all(secret not in str(row) for row in rows)


def test_a_repeated_subscription_is_one_and_has_the_same_secret() -> None:
    who = Caller(key_of().token)
    body = {"url": URL, "events": ["item.admitted"]}
    answers = [who.post("/webhooks", body, token="subscribe-1") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Subscription.objects.count() == 1


def test_both_secrets_sign_for_a_day_after_a_change() -> None:
    who = caller()
    made = _subscribe(who)
    changed = who.post(f"/webhooks/{made['id']}/secret", {"replaces": 1}).json()
    repeated = who.post(f"/webhooks/{made['id']}/secret", {"replaces": 1}).json()
    assert changed == repeated
    assert changed["secret"] != made["secret"]
    for later, secrets in ((0, 2), (OVERLAP.total_seconds() + 60, 1)):
        who.post(f"/webhooks/{made['id']}/ping")
        _deliver(seconds=later)
        headers = KeepingMessenger.sent[-1].headers
        assert len(headers["webhook-signature"].split()) == secrets
        assert headers["webhook-key"].split() == ["2", "1"][:secrets]
    late = who.post(f"/webhooks/{made['id']}/secret", {"replaces": 7})
    assert (late.status_code, code_of(late)) == (409, "already-rotated")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://oa.example.gov.cn/", "scheme"), ("https://127.0.0.1/", "address"),
        ("https://[::1]/", "address"), ("https://169.254.169.254/latest/meta-data/", "address"),
        ("https://10.0.0.1/", "address"), ("https://oa.example.gov.cn:22/", "port"),
        ("https://user@oa.example.gov.cn/", "form"), ("https://[::ffff:10.0.0.1]/", "address"),
        ("http://localhost/", "scheme"), ("https://oa.example.gov.cn/#x", "form"),
    ],
)  # fmt: skip
def test_an_address_that_is_never_called_is_refused(url: str, reason: str) -> None:
    who = caller()
    answer = who.post("/webhooks", {"url": url, "events": ["item.admitted"]})
    assert (answer.status_code, code_of(answer)) == (422, "bad-endpoint")
    assert answer.json()["where"][0]["code"] == reason
    made = _subscribe(who)
    assert code_of(who.patch(f"/webhooks/{made['id']}", {"url": url})) == "bad-endpoint"
    assert Subscription.objects.get().url == URL


@pytest.mark.parametrize(
    "more",
    [
        {"events": []}, {"events": ["all"]}, {"events": ["ping"]}, {"algorithm": "md5"},
        {"secret": "whsec_mine"}, {"unit": "CZJ"}, {"url": "x"}, {"url": "file:///etc/passwd"},
    ],
)  # fmt: skip
def test_a_subscription_that_cannot_be_is_refused(more: dict[str, Any]) -> None:
    answer = caller().post("/webhooks", {"url": URL, "events": ["item.admitted"]} | more)
    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_a_department_has_a_bounded_number_of_subscriptions() -> None:
    who = caller()
    for _ in range(MOST):
        _subscribe(who)
    answer = who.post("/webhooks", {"url": URL, "events": ["item.admitted"]})
    assert (answer.status_code, code_of(answer)) == (409, "too-many-subscriptions")


def test_a_subscription_is_changed_stopped_and_taken_away() -> None:
    who = caller()
    made = _subscribe(who)
    path = f"/webhooks/{made['id']}"
    changed = who.patch(path, {"events": ["share.ended"], "stopped": True}).json()
    assert (changed["events"], changed["stopped_why"]) == (["share.ended"], "owner")
    assert who.delete(path).status_code == 204
    assert who.get(path).status_code == 404
    assert not Subscription.objects.exists()


def test_another_department_finds_no_subscription_and_no_delivery() -> None:
    one, other = caller("BGS"), caller("CZJ")
    made = _subscribe(one)
    notice = one.post(f"/webhooks/{made['id']}/ping").json()["id"]
    own = _subscribe(other)["id"]
    path = f"/webhooks/{made['id']}"
    answers = [
        other.get(path), other.patch(path, {"stopped": True}), other.delete(path),
        other.post(f"{path}/ping"), other.post(f"{path}/secret", {"replaces": 1}),
        other.get(f"{path}/deliveries"), other.post(f"{path}/deliveries/{notice}/again"),
        other.post(f"/webhooks/{own}/deliveries/{notice}/again"),
    ]  # fmt: skip
    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "not-found")}
    assert [one["id"] for one in other.get("/webhooks").json()["items"]] == [own]


def test_what_is_told_of_a_thing_is_one_row() -> None:
    who = caller()
    _subscribe(who)
    batch = _file(who)
    tell(now=_now())
    _accept(batch)
    tell(now=_now())
    assert sorted(Told.objects.values_list("kind", "state")) == [
        ("batch", "accepted"), ("item", "admitted"),
    ]  # fmt: skip


def test_the_lead_unit_is_told_of_its_cases_by_number_and_state_only() -> None:
    from tests.cases.build import TO_DISPATCHED, cell, opened, people
    from tests.cases.build import drive as drive_case

    from liandong.cases.models import Case

    who = caller()
    _subscribe(who, "case.dispatched", "case.changed")
    people()
    cell()
    case = drive_case(opened(now=_now()).case, TO_DISPATCHED, lead_unit=unit_of().code)
    Case.objects.filter(pk=case.pk).update(changed_at=_now(seconds=1))
    drive_case(opened(now=_now()).case, TO_DISPATCHED)  # of another unit
    assert tell(now=_now()) == 1
    assert tell(now=_now()) == 0
    Case.objects.filter(pk=case.pk).update(state="in_progress")
    tell(now=_now())
    assert [(one["type"], one["data"]) for one in _told()] == [
        ("case.dispatched", {"case": case.number, "state": "dispatched"}),
        ("case.changed", {"case": case.number, "state": "in_progress"}),
    ]
