"""Addresses of the room `base`.  The site names the error pages of `base.views` as handlers."""

from django.urls import path

from . import views

app_name = "base"
urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("modes/", views.show_modes, name="modes"),
    path("gallery/", views.show_gallery, name="gallery"),
]
