"""Addresses of the room `base`.  The site names the error pages of `base.views` as handlers."""

from django.urls import path

from . import views
from .notices import views as notices
from .people.views import accounts, approvals, own, review, units

app_name = "base"
urlpatterns = [
    path("modes/", views.show_modes, name="modes"),
    path("gallery/", views.show_gallery, name="gallery"),
    path("me/", own.show_me, name="me"),
    path("me/notices/", notices.show_notices, name="notices"),
    path("me/notices/seen/", notices.see, name="see_notices"),
    path("me/notices/choice/", notices.choose, name="choose_notices"),
    path("me/password/", own.change_own_password, name="password"),
    path("me/sessions/<slug:code>/end/", own.end_own_session, name="end_session"),
    path("admin/accounts/", accounts.show_accounts, name="accounts"),
    path("admin/open-account/", accounts.open_new_account, name="new_account"),
    path("admin/accounts/<str:username>/", accounts.show_account, name="account"),
    path("admin/accounts/<str:username>/ask/", accounts.ask_for_change, name="ask"),
    path("admin/accounts/<str:username>/lock/", accounts.change_lock, name="lock"),
    path("admin/accounts/<str:username>/name/", accounts.correct_name, name="correct_name"),
    path("admin/review/", review.show_review, name="review"),
    path("admin/approvals/", approvals.show_approvals, name="approvals"),
    path("admin/approvals/<int:number>/", approvals.show_approval, name="approval"),
    path("admin/units/", units.show_units, name="units"),
    path("admin/open-unit/", units.open_new_unit, name="new_unit"),
    path("admin/units/<str:unit_code>/", units.show_unit, name="unit"),
    path("admin/units/<str:unit_code>/change/", units.change_unit, name="change_unit"),
    path("admin/units/<str:unit_code>/close/", units.ask_to_close, name="close_unit"),
]
