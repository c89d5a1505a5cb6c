"""All addresses, room by room."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.show_home, name="home"),
    path("desk/", views.show_desk, name="desk"),
    path("healthz/", views.show_health, name="health"),
    path("favicon.ico", views.show_favicon, name="favicon"),
    path("", include("liandong.base.urls")),
    path("", include("liandong.base.audit.urls")),
    path("", include("liandong.base.people.signing_urls")),
    path("", include("liandong.archive.urls")),
    path("", include("liandong.exchange.urls")),
    path("", include("liandong.intake.urls")),
    path("", include("liandong.cases.urls")),
    path("", include("liandong.community.urls")),
    path("", include("liandong.portal.urls")),
]
handler400 = "liandong.base.views.bad_request"
handler403 = "liandong.base.views.forbidden"
handler404 = "liandong.base.views.not_found"
handler500 = "liandong.base.views.server_error"
