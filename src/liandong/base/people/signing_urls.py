"""Addresses of signing in, under the names by which allauth finds its own pages."""

from django.urls import path

from .views import own, signing

urlpatterns = [
    path("login/", signing.sign_in, name="account_login"),
    path("login/code/", signing.sign_in_code, name="mfa_authenticate"),
    path("login/passkey/", signing.sign_in_passkey, name="mfa_login_webauthn"),
    path("login/again/", signing.again, name="account_reauthenticate"),
    path("login/again/code/", signing.again_code, name="mfa_reauthenticate"),
    path("login/again/passkey/", signing.again_passkey, name="mfa_reauthenticate_webauthn"),
    path("login/sso/", signing.sign_in_sso, name="sso"),
    path(
        "login/sso/callback/",
        signing.back_from_sso,
        {"provider_id": "sso"},
        name="openid_connect_callback",
    ),
    path("logout/", signing.sign_out, name="account_logout"),
    path("me/factors/", own.show_factors, name="mfa_index"),
    path("me/factors/app/", own.add_app, name="mfa_activate_totp"),
    path("me/factors/app/remove/", own.remove_app, name="mfa_deactivate_totp"),
    path("me/factors/passkey/", own.add_passkey, name="mfa_add_webauthn"),
    path("me/factors/passkey/<int:pk>/remove/", own.remove_passkey, name="mfa_remove_webauthn"),
    path("me/factors/codes/", own.show_codes, name="mfa_view_recovery_codes"),
    path("me/factors/codes/new/", own.renew_codes, name="mfa_generate_recovery_codes"),
]
