"""Addresses of the room `archive`."""

from django.urls import path

from .views import correcting, holdings, records, searching, why

app_name = "archive"
urlpatterns = [
    path("search/", searching.show_search, name="search"),
    path("archive/", holdings.show_holdings, name="holdings"),
    path("archive/classes/<int:class_id>/", holdings.show_class, name="class"),
    path("preservation/", holdings.show_preservation, name="preservation"),
    path("preservation/verify/", holdings.start_verification, name="verify"),
    path("records/<int:record_id>/", records.show_record, name="record"),
    path("records/<int:record_id>/why/", why.show_why, name="why"),
    path("me/why/", why.show_my_access, name="my_access"),
    path("records/<int:record_id>/view/", records.show_viewer, name="viewer"),
    path("records/<int:record_id>/files/<int:file_id>/", records.send_file, name="file"),
    path("records/<int:record_id>/ocr/", correcting.show_correction, name="correct_first"),
    path("records/<int:record_id>/ocr/<int:number>/", correcting.show_correction, name="correct"),
    path(
        "records/<int:record_id>/corrections/<int:correction_id>/undo/",
        correcting.undo_correction,
        name="undo",
    ),
    path(
        "records/<int:record_id>/pages/<int:number>/text.json",
        records.show_page_text,
        name="page_text",
    ),
    path(
        "records/<int:record_id>/v<int:version>/<int:number>/thumb.jpg",
        records.send_thumb,
        name="thumb",
    ),
    path(
        "records/<int:record_id>/v<int:version>/<int:number>/image",
        records.send_image,
        name="image",
    ),
    path(
        "records/<int:record_id>/v<int:version>/<int:number>/page.dzi",
        records.send_tiles,
        name="tiles",
    ),
    path(
        "records/<int:record_id>/v<int:version>/<int:number>/page_files/<int:level>/<int:column>_<int:row>.jpg",
        records.send_tile,
        name="tile",
    ),
]
