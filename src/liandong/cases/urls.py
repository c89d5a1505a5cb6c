"""Addresses of the room `cases`."""

from django.urls import path, register_converter

from .views import case, closing, lists


class CaseNumber:
    """The number of a case: 20261126-000123."""

    regex = "[0-9]{8}-[0-9]{6,12}"

    def to_python(self, value: str) -> str:
        """The number as it stands."""
        return value

    def to_url(self, value: str) -> str:
        """The number as it stands."""
        return value


register_converter(CaseNumber, "case_no")

app_name = "cases"
urlpatterns = [
    path("cases/", lists.show_cases, name="cases"),
    path("cases/inbox/", lists.show_inbox, name="inbox"),
    path("cases/flow/<str:kind>/", lists.show_flow, name="flow"),
    path("cases/<case_no:number>/", case.show_case, name="case"),
    path("cases/<case_no:number>/close/", closing.show_closing, name="close"),
    path("cases/<case_no:number>/steps/", case.take, name="take"),
    path("cases/<case_no:number>/photos/<uuid:photo>.jpg", case.send_photo, name="photo"),
]
