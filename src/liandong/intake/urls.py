"""Addresses of the room `intake`."""

from django.urls import path

from .views import batches, reports, review, uploads

app_name = "intake"
urlpatterns = [
    path("transfers/", batches.show_batches, name="batches"),
    path("transfers/new/", batches.show_new, name="new"),
    path("transfers/uploads/", uploads.begin_upload, name="uploads"),
    path("transfers/uploads/<uuid:upload_id>/", uploads.go_on_upload, name="upload"),
    path("transfers/<int:batch_id>/", batches.show_batch, name="batch"),
    path("transfers/<int:batch_id>/progress/", batches.show_progress, name="progress"),
    path("transfers/<int:batch_id>/receipt/", batches.show_receipt, name="receipt"),
    path("transfers/<int:batch_id>/decide/", batches.decide, name="decide"),
    path("transfers/<int:batch_id>/again/", batches.again, name="again"),
    path("transfers/<int:batch_id>/report/", reports.show_report, name="report"),
    path("transfers/<int:batch_id>/report.xlsx", reports.download_xlsx, name="report_xlsx"),
    path("transfers/<int:batch_id>/report.pdf", reports.download_pdf, name="report_pdf"),
    path("review/", review.show_review, name="review"),
    path("review/above/", review.decide_above, name="review_above"),
    path("review/<str:kind>/", review.show_review, name="review_kind"),
    path("review/proposals/<int:proposal_id>/", review.decide, name="proposal"),
]
