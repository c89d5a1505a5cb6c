"""Addresses of the room `exchange`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import asking, copies, loans, overview, public, requests, statistics, visits


class Number(StringConverter):
    """The number of a paper: LY-2026-0001."""

    regex = "[A-Z]{2}-[0-9]{4}-[0-9]{4,6}"


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
    path("exchange/statistics/", statistics.show_statistics, name="statistics"),
    path("exchange/statistics.<str:form>", statistics.send_statistics, name="statistics_file"),
    path("exchange/loans/", loans.show_loans, name="loans"),
    path("exchange/loans/new/", loans.show_new_loan, name="new_loan"),
    path("exchange/loans/<no:no>/", loans.show_loan, name="loan"),
    path("exchange/loans/<no:no>/<slug:step>/", loans.take_loan_step, name="loan_step"),
    path("exchange/visits/", visits.show_visits, name="visits"),
    path("exchange/visits/new/", visits.show_new_visit, name="new_visit"),
    path("exchange/visits/<no:no>/", visits.show_visit, name="visit"),
    path("exchange/visits/<no:no>/package.<str:form>", visits.send_package, name="package"),
    path("exchange/visits/<no:no>/<slug:step>/", visits.take_visit_step, name="visit_step"),
    path("exchange/copies/", copies.show_copies, name="copies"),
    path("exchange/copies/new/", copies.show_new_copy, name="new_copy"),
    path("exchange/copies/<no:no>/", copies.show_copy, name="copy"),
    path("exchange/copies/<no:no>/file.pdf", copies.send_copy, name="copy_file"),
    path("exchange/copies/<no:no>/revoke/", copies.revoke_copy, name="revoke_copy"),
    path("exchange/<no:no>/", requests.show_request, name="request"),
    path("exchange/<no:no>/data.jsonl", requests.send_data, name="data"),
    path("exchange/<no:no>/<slug:step>/", requests.take_step, name="step"),
    path("requests/new/", public.show_application, name="apply"),
    path("requests/<no:no>/", public.show_progress, name="follow"),
    path("verify/", public.show_verify, name="verify"),
]
