"""Addresses of the room `archive`."""

from django.urls import path

from .views import (
    correcting,
    holdings,
    keys,
    printing,
    privacy,
    records,
    retention,
    searching,
    why,
)

app_name = "archive"
urlpatterns = [
    path("search/", searching.show_search, name="search"),
    path("archive/", holdings.show_holdings, name="holdings"),
    path("archive/classes/<int:class_id>/", holdings.show_class, name="class"),
    path("review/personal/", privacy.show_personal, name="personal"),
    path("review/personal/many/", privacy.decide_many, name="personal_many"),
    path("review/personal/<int:hit_id>/", privacy.decide_personal, name="personal_hit"),
    path("records/<int:record_id>/personal/", privacy.mark_personal, name="personal_mark"),
    path("records/<int:record_id>/masked.pdf", privacy.send_masked_copy, name="masked_copy"),
    path("preservation/", holdings.show_preservation, name="preservation"),
    path("preservation/verify/", holdings.start_verification, name="verify"),
    path("retention/", retention.show_due, name="due"),
    path("retention/appraise/", retention.give_opinion, name="appraise"),
    path("retention/holds/", retention.show_holds, name="holds"),
    path("retention/holds/<int:hold_id>/release/", retention.end_hold, name="release"),
    path("retention/lists/", retention.show_lists, name="destructions"),
    path("retention/lists/new/", retention.make_list, name="new_destruction"),
    path("retention/lists/<int:list_id>/", retention.show_list, name="destruction"),
    path("retention/lists/<int:list_id>/step/", retention.take_list_step, name="destruction_step"),
    path(
        "retention/lists/<int:list_id>/certificate.<slug:kind>",
        retention.send_certificate,
        name="certificate",
    ),
    path("admin/keys/", keys.show_keys, name="keys"),
    path("admin/keys/ask/", keys.ask_for_key_act, name="ask_key"),
    path("records/<int:record_id>/", records.show_record, name="record"),
    path("records/<int:record_id>/why/", why.show_why, name="why"),
    path("me/why/", why.show_my_access, name="my_access"),
    path("records/<int:record_id>/view/", records.show_viewer, name="viewer"),
    path("records/<int:record_id>/print/", printing.show_print, name="print"),
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
