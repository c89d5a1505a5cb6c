"""Addresses of the room `base`.  The site names the error pages of `base.views` as handlers."""

from django.urls import path

from . import views
from .people.views import own

app_name = "base"
urlpatterns = [
    path("modes/", views.show_modes, name="modes"),
    path("gallery/", views.show_gallery, name="gallery"),
    path("me/", own.show_me, name="me"),
    path("me/password/", own.change_own_password, name="password"),
    path("me/sessions/<slug:code>/end/", own.end_own_session, name="end_session"),
]
