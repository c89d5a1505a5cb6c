"""Addresses of the auditors' pages."""

from django.urls import path

from . import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.show_audit, name="rows"),
    path("audit/<int:row_number>/", views.show_row, name="row"),
    path("audit/objects/<path:object_name>/", views.show_object, name="object"),
    path("audit/seals/", views.show_seals, name="seals"),
    path("audit/check/", views.start_check, name="start_check"),
    path("audit/checks/<int:check_id>/", views.show_check, name="check"),
    path("audit/export/", views.export, name="export"),
    path("audit/protection/", views.show_protection, name="protection"),
]
