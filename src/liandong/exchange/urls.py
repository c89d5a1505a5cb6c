"""Addresses of the room `exchange`."""

from django.urls import path, register_converter

from .views import asking, overview, requests


class Number:
    """A number of a paper: LY-2026-0001."""

    regex = "[A-Z]{2}-[0-9]{4}-[0-9]{4,6}"

    def to_python(self, value: str) -> str:
        """The number as it stands."""
        return value

    def to_url(self, value: str) -> str:
        """The number as it stands."""
        return value


register_converter(Number, "no")

app_name = "exchange"
urlpatterns = [
    path("exchange/", overview.show_exchange, name="overview"),
    path("exchange/seen/", overview.see_notices, name="seen"),
    path("exchange/requests/", overview.show_requests, name="requests"),
    path("exchange/new/", asking.show_new, name="new"),
    path("exchange/drafts/<int:draft_id>/", asking.show_draft, name="draft"),
    path(
        "exchange/drafts/<int:draft_id>/papers/<int:paper_id>/drop/",
        asking.drop_paper,
        name="drop_paper",
    ),
    path("exchange/papers/<int:request_id>/<int:paper_id>/", asking.send_paper, name="paper"),
    path("exchange/basket/", asking.show_basket, name="basket"),
    path("exchange/<no:no>/", requests.show_request, name="request"),
    path("exchange/<no:no>/<slug:step>/", requests.take_step, name="step"),
]
