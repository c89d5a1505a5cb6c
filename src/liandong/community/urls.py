"""Addresses of the room `community`."""

from django.urls import path

from .views import complaints, conduct, mine, stations

app_name = "community"
urlpatterns = [
    path("me/reports/", mine.show_mine, name="mine"),
    path("me/reports/prove/", mine.prove, name="prove"),
    path("me/reports/leave/", mine.leave, name="leave"),
    path("me/reports/code/", mine.show_code, name="code"),
    path("me/reports/erase/", mine.erase, name="erase"),
    path("stations/", stations.show_stations, name="stations"),
    path("stations.geojson", stations.send_geojson, name="geojson"),
    path("stations/<slug:station>/defect/", stations.tell, name="tell"),
    path("community/stations/", stations.show_kept, name="kept"),
    path("community/stations/new/", stations.add, name="add_station"),
    path("community/stations/<slug:station>/", stations.show_one, name="kept_station"),
    path("community/stations/<slug:station>/edit/", stations.edit, name="edit_station"),
    path("community/stations/<slug:station>/visits/", stations.count, name="count"),
    path("community/stations/<slug:station>/checks/", stations.check, name="check"),
    path("community/stations/<slug:station>/redeem/", stations.redeem, name="redeem"),
    path(
        "community/stations/<slug:station>/receipts/<int:posting>/",
        stations.show_receipt, name="receipt",
    ),
    path("conduct/", conduct.show_contacts, name="contacts"),
    path("conduct/contacts/new/", conduct.add, name="add_contact"),
    path("conduct/contacts/<int:contact_id>/", conduct.show_contact, name="contact"),
    path("conduct/contacts/<int:contact_id>/judge/", conduct.judge, name="judge"),
    path("conduct/rules/", conduct.show_rules, name="rules"),
    path("conduct/ties/", conduct.show_ties, name="ties"),
    path("conduct/ties/end/", conduct.end, name="end_tie"),
    path("conduct/report/", complaints.show_form, name="complain"),
    path("conduct/reports/", complaints.show_reports, name="reports"),
    path("conduct/reports/<case_no:number>/", complaints.show_report, name="report"),
    path(
        "conduct/reports/<case_no:number>/complainant/",
        complaints.show_complainant, name="complainant",
    ),
]  # fmt: skip
