"""Event notices (事件通知): subscribe, try, look how they fared, send again."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from liandong.kernel.endpoints import BadEndpoint
from liandong.portal.models import Delivery, Subscription
from liandong.portal.policies import SUBSCRIBE, Entry
from liandong.portal.queries.subscriptions import deliveries_of, subscriptions_of
from liandong.portal.services.handing import id_of
from liandong.portal.services.notices import (
    AlreadyRotated,
    TooManySubscriptions,
    change_subscription,
    ping,
    rotate_secret,
    secrets_of,
    send_again,
    subscribe,
    unsubscribe,
)

from . import shapes
from .gate import Caller, admits, caller_of
from .paging import USUAL, Cursor, Limit, page_of
from .problems import Problem, place

router = Router(tags=["webhooks"])
SECRET: Final = Entry(
    SUBSCRIBE, "webhooks:manage", keeps=False,
    refuses=("not-found", "bad-endpoint", "too-many-subscriptions", "already-rotated"),
)  # fmt: skip
LIST: Final = Entry(SUBSCRIBE, "webhooks:manage")
WRITE: Final = Entry(SUBSCRIBE, "webhooks:manage", refuses=("not-found", "bad-endpoint"))
LOOK: Final = Entry(SUBSCRIBE, "webhooks:manage", refuses=("not-found", "bad-cursor"))

Id = Annotated[str, Path(pattern=shapes.UUID, description="订阅的编号")]
DeliveryId = Annotated[str, Path(pattern=shapes.UUID, description="通知的编号，即 webhook-id")]


def _subscription(request: HttpRequest, subscription_id: str) -> tuple[Caller, Subscription]:
    caller = caller_of(request)
    found = subscriptions_of(caller.viewer).filter(uuid=UUID(subscription_id)).first()
    if found is None:
        raise Problem("not-found")
    return caller, found


def _facts(row: Subscription) -> dict[str, object]:
    return {
        "id": str(row.uuid),
        "url": row.url,
        "events": row.events.split(","),
        "algorithm": row.algorithm,
        "key": str(row.generation),
        "made_at": row.made_at,
        "failures": row.failures,
        "stopped_at": row.stopped_at,
        "stopped_why": row.stopped_why,
    }


def shown(row: Subscription) -> shapes.SubscriptionOut:
    """A subscription as the API shows it."""
    return shapes.SubscriptionOut.model_validate(_facts(row))


def _with_secret(row: Subscription, now: datetime) -> shapes.SubscriptionMadeOut:
    secret = secrets_of(row, now=now)[0][1]
    return shapes.SubscriptionMadeOut.model_validate(_facts(row) | {"secret": secret})


def _bad_endpoint(error: BadEndpoint) -> Problem:
    words = {
        "form": _("地址写法不对"),
        "scheme": _("只能是 https"),
        "host": _("主机名无法解析"),
        "port": _("端口不在允许之列"),
        "address": _("地址在内部网络，或不可达"),
    }
    said = place("url", words.get(error.reason, ""), error.reason)
    return Problem("bad-endpoint", words.get(error.reason, ""), where=[said])


@router.post(
    "/webhooks",
    response={201: shapes.SubscriptionMadeOut},
    summary="订阅事件通知",
    description="密钥只在这里给出一次。通知里只有编号和状态，没有题名和个人信息。",
)
@admits(SECRET)
def make_subscription(
    request: HttpRequest, response: HttpResponse, body: shapes.SubscriptionIn
) -> Status:  # type: ignore[type-arg]
    """A subscription is made; its secret is in this answer only."""
    caller = caller_of(request)
    try:
        row = subscribe(
            id_of(caller.key, caller.token), caller.key, url=body.url, events=body.events,
            algorithm=body.algorithm, by=caller.by, now=caller.now,
        )  # fmt: skip
    except BadEndpoint as error:
        raise _bad_endpoint(error) from None
    except TooManySubscriptions:
        raise Problem("too-many-subscriptions") from None
    response.headers["Location"] = reverse("portal:api-1:show_subscription", args=[str(row.uuid)])
    return Status(HTTPStatus.CREATED, _with_secret(row, caller.now))


@router.get(
    "/webhooks",
    response=shapes.SubscriptionsOut,
    summary="列出订阅",
    description="本单位的订阅，新的在前。",
)
@admits(LIST)
def list_subscriptions(request: HttpRequest) -> shapes.SubscriptionsOut:
    """Subscriptions of the department, newest first."""
    rows = subscriptions_of(caller_of(request).viewer)[:200]
    return shapes.SubscriptionsOut(items=[shown(row) for row in rows])


@router.get(
    "/webhooks/{subscription_id}",
    response=shapes.SubscriptionOut,
    summary="看一个订阅",
    description="地址、事件、连续失败次数、是否已停。",
)
@admits(LOOK)
def show_subscription(request: HttpRequest, subscription_id: Id) -> shapes.SubscriptionOut:
    """One subscription."""
    return shown(_subscription(request, subscription_id)[1])


@router.patch(
    "/webhooks/{subscription_id}",
    response=shapes.SubscriptionOut,
    summary="修改订阅",
    description="改地址或事件，停止或恢复；没写的不变。",
)
@admits(WRITE)
def edit_subscription(
    request: HttpRequest, subscription_id: Id, body: shapes.SubscriptionChangeIn
) -> shapes.SubscriptionOut:
    """Where notices go, which, or whether, is changed."""
    caller, row = _subscription(request, subscription_id)
    try:
        row = change_subscription(
            row.uuid, url=body.url or "", events=body.events or (), stop=body.stopped,
            by=caller.by, now=caller.now,
        )  # fmt: skip
    except BadEndpoint as error:
        raise _bad_endpoint(error) from None
    return shown(row)


@router.delete(
    "/webhooks/{subscription_id}",
    response={204: None},
    summary="退订",
    description="退订，未送达的通知一并去掉。",
)
@admits(WRITE)
def remove_subscription(request: HttpRequest, subscription_id: Id) -> Status:  # type: ignore[type-arg]
    """A subscription is taken away with everything that waits for it."""
    caller, row = _subscription(request, subscription_id)
    unsubscribe(row.uuid, by=caller.by, now=caller.now)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post(
    "/webhooks/{subscription_id}/secret",
    response={201: shapes.SubscriptionMadeOut},
    summary="更换密钥",
    description="新密钥立即生效；旧密钥再同时签 24 小时。"
    "replaces 写现在的代号，重复的请求不会再换一次。",
)
@admits(SECRET)
def change_secret(request: HttpRequest, subscription_id: Id, body: shapes.RotateIn) -> Status:  # type: ignore[type-arg]
    """A new secret; the one before signs for a day more."""
    caller, row = _subscription(request, subscription_id)
    try:
        row = rotate_secret(row.uuid, body.replaces, by=caller.by, now=caller.now)
    except AlreadyRotated as error:
        raise Problem("already-rotated", str(error.generation)) from None
    return Status(HTTPStatus.CREATED, _with_secret(row, caller.now))


@router.post(
    "/webhooks/{subscription_id}/ping",
    response={202: shapes.DeliveryOut},
    summary="试发",
    description="发一条 ping。",
)
@admits(WRITE)
def try_subscription(request: HttpRequest, subscription_id: Id) -> Status:  # type: ignore[type-arg]
    """A notice that says nothing, to try the way."""
    caller, row = _subscription(request, subscription_id)
    return Status(HTTPStatus.ACCEPTED, _delivery(ping(row.uuid, now=caller.now)))


@router.get(
    "/webhooks/{subscription_id}/deliveries",
    response=shapes.DeliveriesOut,
    summary="投递记录",
    description="每条通知和每次投递的结果，保留 30 天。",
)
@admits(LOOK)
def list_deliveries(
    request: HttpRequest, subscription_id: Id, cursor: Cursor = "", limit: Limit = USUAL
) -> shapes.DeliveriesOut:
    """Notices and how they fared."""
    _caller, row = _subscription(request, subscription_id)
    question = {"deliveries": subscription_id}
    found, after = page_of(deliveries_of(row), cursor, limit, question, newest=True)
    return shapes.DeliveriesOut(items=[_delivery(one) for one in found], next=after)


@router.post(
    "/webhooks/{subscription_id}/deliveries/{delivery_id}/again",
    response={202: shapes.DeliveryOut},
    summary="重新投递",
    description="以同一编号再发一次。",
)
@admits(WRITE)
def deliver_again(request: HttpRequest, subscription_id: Id, delivery_id: DeliveryId) -> Status:  # type: ignore[type-arg]
    """A notice is sent again under its id."""
    caller, row = _subscription(request, subscription_id)
    found = row.deliveries.filter(uuid=UUID(delivery_id)).first()
    if found is None:
        raise Problem("not-found")
    again = send_again(found.uuid, by=caller.by, now=caller.now)
    return Status(HTTPStatus.ACCEPTED, _delivery(again))


def _delivery(row: Delivery) -> shapes.DeliveryOut:
    state = "taken" if row.taken_at else "waiting" if row.next_at else "given_up"
    return shapes.DeliveryOut(
        id=str(row.uuid),
        event=row.event,
        made_at=row.made_at,
        state=state,
        next_at=row.next_at,
        tries=[
            shapes.TryOut(at=one.at, status=one.status, trouble=one.trouble, took_ms=one.took_ms)
            for one in row.tries.all()
        ],
    )
