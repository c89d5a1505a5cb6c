"""Addresses of the room `archive`."""

from django.urls import path

from .views import correcting, holdings, opened, privacy, records, searching, why
from .views.opening import lists as opening_lists
from .views.opening import many as opening_many
from .views.opening import one as opening_one
from .views.opening import publishing as opening_publishing
from .views.rights import asking, handling, registers

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
    path("opening/", opening_lists.show_opening, name="opening"),
    path("opening/due/", opening_lists.show_due, name="opening_due"),
    path("opening/reviews/", opening_lists.show_reviews, name="opening_reviews"),
    path("opening/plan/<int:year>/", opening_lists.show_plan, name="opening_plan"),
    path("opening/batch/", opening_many.decide_batch, name="opening_batch"),
    path("opening/undo/", opening_one.undo, name="opening_undo"),
    path("opening/publish/", opening_publishing.publish_opened, name="opening_publish"),
    path("opening/periods/", opening_publishing.show_periods, name="opening_periods"),
    path("opening/<int:review_id>/", opening_one.show_review, name="opening_review"),
    path("opening/<int:review_id>/agree/", opening_one.agree, name="opening_agree"),
    path("opening/<int:review_id>/say/<slug:verdict>/", opening_one.say, name="opening_say"),
    path("opening/<int:review_id>/step/<slug:step>/", opening_one.take_step, name="opening_step"),
    path(
        "opening/<int:review_id>/pages/<int:number>/image",
        opening_one.send_image,
        name="opening_image",
    ),
    path("opened/", opened.show_publications, name="opened"),
    path("opened/<slug:number>/", opened.show_publication, name="opened_batch"),
    path("opened/<slug:number>/catalogue.<slug:kind>", opened.download, name="opened_file"),
    path("rights/", asking.show_rights, name="rights"),
    path("rights/new/", asking.new_request, name="rights_new"),
    path("rights/desk/", asking.new_at_desk, name="rights_desk"),
    path("rights/requests/", asking.show_requests, name="rights_requests"),
    path("rights/requests/<slug:code>/", handling.show_request, name="rights_request"),
    path("rights/requests/<slug:code>/matches/", handling.find_matches, name="rights_matches"),
    path("rights/requests/<slug:code>/identify/", handling.identify, name="rights_identify"),
    path("rights/requests/<slug:code>/extend/", handling.extend, name="rights_extend"),
    path("rights/requests/<slug:code>/annotate/", handling.annotate, name="rights_annotate"),
    path("rights/requests/<slug:code>/answer/", handling.give_answer, name="rights_answer"),
    path("rights/requests/<slug:code>/withdraw/", handling.withdraw, name="rights_withdraw"),
    path("rights/consents/", registers.show_consents, name="consents"),
    path("rights/consents/new/", registers.register_consent, name="consent_register"),
    path(
        "rights/consents/<int:consent_id>/withdraw/",
        registers.withdraw_consent,
        name="consent_withdraw",
    ),
    path("rights/assessments/", registers.show_assessments, name="assessments"),
    path("rights/assessments/<slug:code>/", registers.show_assessment, name="assessment"),
    path(
        "rights/assessments/<slug:code>/<slug:step>/",
        registers.change_assessment,
        name="assessment_step",
    ),
]
