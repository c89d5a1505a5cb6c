"""Addresses of the room `cases`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import (
    biz,
    blur,
    bulk,
    case,
    closing,
    drafts,
    enterprises,
    evaluation,
    field,
    imports,
    inspecting,
    ledger,
    lists,
    maps,
    months,
    publish,
    sealed,
    snap,
    track,
    visits,
)


class CaseNumber(StringConverter):
    """The number of a case: 20261126-000123."""

    regex = "[0-9]{8}-[0-9]{6,12}"


class Token(StringConverter):
    """The token of a tracking link."""

    regex = "[A-Za-z0-9_-]{22,64}"


class MonthText(StringConverter):
    """A calendar month: 2026-11."""

    regex = "2[0-9]{3}-(?:0[1-9]|1[0-2])"


register_converter(CaseNumber, "case_no")
register_converter(MonthText, "month")
register_converter(Token, "case_token")

app_name = "cases"
urlpatterns = [
    path("cases/", lists.show_cases, name="cases"),
    path("cases/inbox/", lists.show_inbox, name="inbox"),
    path("cases/bulk/", bulk.act, name="bulk"),
    path("cases/views/", bulk.save_view, name="save_view"),
    path("cases/views/<int:key>/forget/", bulk.forget_view, name="forget_view"),
    path("cases/map/", maps.show_map, name="map"),
    path("cases/map/cases.geojson", maps.export, name="map_export"),
    path("cases/import/", imports.show_imports, name="imports"),
    path("cases/import/<uuid:file>/", imports.show_import, name="import"),
    path("cases/import/<uuid:file>/refused.csv", imports.send_refused, name="import_refused"),
    path("cases/flow/<str:kind>/", lists.show_flow, name="flow"),
    path("cases/<case_no:number>/", case.show_case, name="case"),
    path("cases/<case_no:number>/close/", closing.show_closing, name="close"),
    path("cases/<case_no:number>/publish/", publish.show, name="publish"),
    path("cases/<case_no:number>/steps/", case.take, name="take"),
    path("cases/<case_no:number>/photos/<uuid:photo>.jpg", case.send_photo, name="photo"),
    path("cases/<case_no:number>/contact/", sealed.show_contact, name="contact"),
    path(
        "cases/<case_no:number>/photos/<uuid:photo>/original/",
        sealed.show_original,
        name="original",
    ),
    path("cases/<case_no:number>/papers/<uuid:paper>/", case.send_paper, name="paper"),
    path("biz/", biz.show_own, name="biz"),
    path("biz/new/", drafts.show_new, name="new"),
    path("biz/new/<uuid:draft>/drop/", drafts.drop, name="drop_draft"),
    path("biz/new/<uuid:draft>/<slug:step>/", drafts.show_step, name="draft"),
    path("biz/new/<uuid:draft>/papers/<uuid:paper>/drop/", drafts.drop_paper, name="drop_paper"),
    path("biz/mandates/", biz.show_mandates, name="mandates"),
    path("biz/mandates/<int:mandate_id>/withdraw/", biz.withdraw, name="withdraw"),
    path("biz/services/", biz.show_services, name="services"),
    path("biz/<case_no:number>/", biz.show_demand, name="demand"),
    path("enterprises/", enterprises.show_enterprises, name="enterprises"),
    path("enterprises/<str:enterprise>/", enterprises.show_enterprise, name="enterprise"),
    path("visits/", visits.show_visits, name="visits"),
    path("visits/new/", visits.show_new, name="new_visit"),
    path("visits/plan/", visits.show_plan, name="plan"),
    path("visits/plan/<int:plan_id>/drop/", visits.drop, name="drop_plan"),
    path("visits/<int:visit_id>/", visits.show_visit, name="visit"),
    path("visits/<int:visit_id>/items/<int:item>/", visits.settle, name="settle"),
    path("cases/evaluation/", evaluation.show_evaluation, name="evaluation"),
    path("cases/evaluation.<str:form>", evaluation.send_evaluation, name="evaluation_file"),
    path("ledger/", ledger.show_ledger, name="ledger"),
    path("ledger/sheet/", ledger.show_sheet, name="ledger_sheet"),
    path("ledger/sheet.xlsx", ledger.send_sheet, name="ledger_file"),
    path("ledger/cases/<case_no:number>/entry/", ledger.take_entry, name="ledger_entry"),
    path("ledger/<month:month>/", months.show_month, name="ledger_month"),
    path("ledger/<month:month>/report.<str:form>", months.send_report, name="ledger_report"),
    path("cases/<case_no:number>/inspect/", inspecting.show_inspection, name="inspect"),
    path("field/", field.show_field, name="field"),
    path("field/<case_no:number>/<slug:action>/", field.take_field_step, name="field_step"),
    path(
        "field/<case_no:number>/<slug:action>/photos/<uuid:photo>/",
        field.take_photo,
        name="field_photo",
    ),
    path("snap/", snap.show_snap, name="snap"),
    path("snap/near/", snap.find_nearby, name="near"),
    path("snap/reports/", snap.take_report, name="take_report"),
    path("snap/reports/<uuid:report>/photos/<uuid:photo>/", snap.take_photo, name="take_photo"),
    path("r/", track.find, name="find"),
    path("r/<case_token:token>/", track.show, name="track"),
    path("r/<case_token:token>/steps/", track.take, name="track_take"),
    path("r/<case_token:token>/photos/<uuid:photo>.jpg", track.send_photo, name="track_photo"),
    path("cases/<case_no:number>/photos/<uuid:photo>/blur/", blur.show, name="blur"),
    path("photos/<uuid:photo>.jpg", blur.send_public, name="public_photo"),
]
