"""Subscriptions of a department and how their notices fared."""

from django.db.models import QuerySet

from liandong.kernel.viewer import Viewer
from liandong.portal.models import Delivery, Subscription


def subscriptions_of(viewer: Viewer) -> QuerySet[Subscription]:
    """The subscriptions of the department, newest first."""
    rows = Subscription.objects
    own = rows.filter(unit__code=viewer.unit) if viewer.unit else rows.none()
    return own.select_related("unit").order_by("-pk")


def deliveries_of(subscription: Subscription) -> QuerySet[Delivery]:
    """The notices of a subscription with every try, newest first."""
    return subscription.deliveries.prefetch_related("tries").order_by("-pk")
