"""Addresses of the room `cases`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import blur, bulk, case, closing, field, inspecting, lists, maps, snap, track


class CaseNumber(StringConverter):
    """The number of a case: 20261126-000123."""

    regex = "[0-9]{8}-[0-9]{6,12}"


class Token(StringConverter):
    """The token of a tracking link."""

    regex = "[A-Za-z0-9_-]{22,64}"


register_converter(CaseNumber, "case_no")
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
    path("cases/flow/<str:kind>/", lists.show_flow, name="flow"),
    path("cases/<case_no:number>/", case.show_case, name="case"),
    path("cases/<case_no:number>/close/", closing.show_closing, name="close"),
    path("cases/<case_no:number>/steps/", case.take, name="take"),
    path("cases/<case_no:number>/photos/<uuid:photo>.jpg", case.send_photo, name="photo"),
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
    path(
        "cases/<case_no:number>/photos/<uuid:photo>/public.jpg",
        blur.send_public,
        name="public_photo",
    ),
]
