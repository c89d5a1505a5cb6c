"""Django settings, made from the knobs of `site.knobs`."""

import contextlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from .knobs import read_knobs

_KNOB = cast("dict[str, Any]", read_knobs())

HOME: Path = _KNOB["HOME"]  # the data folder of this installation
STORE = HOME / "store"  # OCFL storage root
STAGING = HOME / "staging"  # handed-over bytes until they are admitted
EVIDENCE = HOME / "evidence"  # photos and papers of cases
CACHE = HOME / "cache"  # tiles and thumbnails; can be deleted at any time
INDEX = HOME / "index"  # search index; can be rebuilt
KEYS: Path = _KNOB["KEYS"] or HOME / "keys"  # never in a backup of the data folder


def _secret_key() -> str:
    if _KNOB["SECRET_KEY"]:
        return str(_KNOB["SECRET_KEY"])
    file = HOME / "secret.key"
    if not file.exists():
        HOME.mkdir(mode=0o700, parents=True, exist_ok=True)  # nobody else reads records here
        fresh = HOME / f"secret.key.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50), "utf-8")
        with contextlib.suppress(FileExistsError):  # the first process wins
            os.link(fresh, file)
        fresh.unlink()
    return file.read_text("utf-8")


def _database(url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "liandong.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    part = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": part.path.lstrip("/"),
        "USER": part.username or "",
        "PASSWORD": _KNOB["DATABASE_PASSWORD"] or part.password or "",
        "HOST": part.hostname or "",
        "PORT": part.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,  # the server may have been started anew meanwhile
    }


SECRET_KEY = _secret_key()
DEBUG: bool = _KNOB["DEBUG"]
ALLOWED_HOSTS: list[str] = _KNOB["HOSTS"]
CSRF_TRUSTED_ORIGINS: list[str] = _KNOB["ORIGINS"]
DATABASES = {"default": _database(_KNOB["DATABASE"])}
AUTH_USER_MODEL = "base.Account"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["liandong.base.people.signing.backend.AccountBackend"]
_RULES, _OF_DJANGO = "liandong.base.people.passwords", "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": f"{_OF_DJANGO}.MinimumLengthValidator",
        "OPTIONS": {"min_length": _KNOB["PASSWORD_LENGTH"]},
    },
    {"NAME": f"{_RULES}.ThreeOfFourClasses"},
    {"NAME": f"{_OF_DJANGO}.CommonPasswordValidator"},
    {
        "NAME": f"{_OF_DJANGO}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "full_name")},
    },
    {"NAME": f"{_RULES}.NotUsedBefore"},
]
PASSWORD_HISTORY: int = _KNOB["PASSWORD_HISTORY"]
PASSWORD_DAYS: int = _KNOB["PASSWORD_DAYS"]
SECOND_FACTOR: str = _KNOB["SECOND_FACTOR"]
LOCK_FAILURES: int = _KNOB["LOCK_FAILURES"]
LOCK_TIME = timedelta(minutes=_KNOB["LOCK_MINUTES"])
ADDRESS_FAILURES: int = _KNOB["ADDRESS_FAILURES"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "liandong.base",
    "liandong.archive",
    "liandong.exchange",
    "liandong.intake",
    "liandong.cases",
    "liandong.community",
    "liandong.portal",
    # Behind the rooms, whose templates stand in for those of allauth.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [
    "liandong.base.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "liandong.base.middleware.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "liandong.base.middleware.KeptByNobody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "liandong.base.modes.ModesMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "liandong.base.people.signing.duties.Duties",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "liandong.base.middleware.SealedContent",
]
ROOT_URLCONF = "liandong.site.urls"
WSGI_APPLICATION = "liandong.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "liandong.base.context.page",
            ]
        },
    }
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parents[1] / "base" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
FORMAT_MODULE_PATH = "liandong.base.formats"
CSRF_FAILURE_VIEW = "liandong.base.views.form_expired"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS: list[Path] = []
WHITENOISE_USE_FINDERS = True
# Built files carry a hash of their content in their names, and may be kept for ever.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.*/dist/assets/.+-[0-9A-Za-z_-]{8}\.\w+$"

SESSION_ENGINE = "liandong.base.session_store"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = _KNOB["SESSION_IDLE_MINUTES"] * 60
SESSION_LONGEST = timedelta(hours=_KNOB["SESSION_HOURS"])
SESSIONS: int = _KNOB["SESSIONS"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(_KNOB["HTTPS"])
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _KNOB["HTTPS"] else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _KNOB["HTTPS"] else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024  # one piece of a resumable upload is 4 MiB
DATA_UPLOAD_MAX_NUMBER_FILES = 5_000
UPLOAD_MAX_BYTES: int = _KNOB["UPLOAD_MAX_GB"] * 1024**3
ZIP_MAX_RATIO: int = _KNOB["ZIP_MAX_RATIO"]
ZIP_MAX_ENTRIES: int = _KNOB["ZIP_MAX_ENTRIES"]
ZIP_MAX_BYTES: int = _KNOB["ZIP_MAX_GB"] * 1024**3
PROXIES: int = _KNOB["PROXIES"]
AUDIT_DIGEST: str = _KNOB["AUDIT_DIGEST"]
AUDIT_PLACE: Path | None = _KNOB["AUDIT_PLACE"]
VERIFY_DAYS: int = _KNOB["VERIFY_DAYS"]
OPENING_OPINION_DAYS: int = _KNOB["OPENING_OPINION_DAYS"]
DEFERRAL_REVIEW_YEARS: int = _KNOB["DEFERRAL_REVIEW_YEARS"]
RIGHTS_ANSWER_DAYS: int = _KNOB["RIGHTS_ANSWER_DAYS"]
ENCRYPTION: str = _KNOB["ENCRYPTION"]  # name in kernel.sealed.ALGORITHMS, "" for plain objects
API_PER_MINUTE: int = _KNOB["API_PER_MINUTE"]
JURISDICTION: str = _KNOB["JURISDICTION"]
OPEN311_EXTENSIONS: bool = _KNOB["OPEN311_EXTENSIONS"]

ARCHIVE_NAME: str = _KNOB["ARCHIVE_NAME"]
CASE_FONDS: str = _KNOB["CASE_FONDS"]  # number of a fonds, "" for the provisional one
SHARE_DAYS: int = _KNOB["SHARE_DAYS"]
OPINION_DAYS: int = _KNOB["OPINION_DAYS"]
SHARE_MAX_DAYS: int = _KNOB["SHARE_MAX_DAYS"]
CONTACT_DAYS: int = _KNOB["CONTACT_DAYS"]
CASE_CONTACT_DAYS: int = _KNOB["CASE_CONTACT_DAYS"]
COPY_DAYS: int = _KNOB["COPY_DAYS"]
LOAN_DAYS: int = _KNOB["LOAN_DAYS"]
MAP_TILES: str = _KNOB["MAP_TILES"]
REPORTS_PER_HOUR: int = _KNOB["REPORTS_PER_HOUR"]
MAIL_SERVER: str = _KNOB["MAIL"]
_MAIL = urlsplit(MAIL_SERVER)
EMAIL_HOST, EMAIL_PORT = _MAIL.hostname or "localhost", _MAIL.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.username or "", _KNOB["MAIL_PASSWORD"]
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.scheme == "smtps", _MAIL.scheme == "smtp+starttls"
EMAIL_TIMEOUT = 20  # seconds
SMS: str = _KNOB["SMS"]
DEFAULT_FROM_EMAIL: str = _KNOB["MAIL_FROM"] or "liandong@localhost"

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}

_SCANNER = "clamd.ClamdScanner" if _KNOB["CLAMD"] else "none.NoScanner"
ENGINES: dict[str, dict[str, Any]] = {
    "messenger": {
        "class": "liandong.engines.messages.pinned.PinnedMessenger",
        "options": {
            "ports": _KNOB["WEBHOOK_PORTS"],
            "networks": _KNOB["WEBHOOK_NETWORKS"],
            "loopback": _KNOB["WEBHOOK_LOOPBACK"],
        },
    },
    "texter": (
        {
            "class": "liandong.engines.messages.gateway.GatewayTexter",
            "options": {"url": SMS, "key": _KNOB["SMS_KEY"], "fields": _KNOB["SMS_FIELDS"]},
        }
        if SMS
        else {
            "class": "liandong.engines.messages.kept.KeptTexts",
            "options": {"folder": HOME / "messages"},
        }
    ),
    "search": {
        "class": "liandong.engines.search.tantivy.TantivySearch",
        "options": {"folder": INDEX},
    },
    "blobs": {"class": "liandong.engines.blobs.disk.DiskBlobs", "options": {"folder": STORE}},
    "compute": {
        "class": "liandong.engines.compute.processes.ProcessCompute",
        "options": {"processes": _KNOB["PROCESSES"]},
    },
    "reader": {
        "class": "liandong.engines.reading.reader.LocalReader",
        "options": {"threshold": _KNOB["OCR_THRESHOLD"]},
    },
    "identifier": {
        "class": "liandong.engines.identification.signatures.SignatureIdentifier",
        "options": {},
    },
    "antivirus": {
        "class": f"liandong.engines.antivirus.{_SCANNER}",
        "options": {"address": _KNOB["CLAMD"]} if _KNOB["CLAMD"] else {},
    },
    "package_validator": {
        "class": "liandong.engines.validation.ocfl.OcflValidator",
        "options": {},
    },
    "redactor": {"class": "liandong.engines.redaction.images.ImageRedactor", "options": {}},
    "cipher": {"class": "liandong.engines.keys.cipher.OpensslCipher", "options": {}},
    "vault": {
        "class": "liandong.engines.keys.files.FileVault",
        "options": {"folder": KEYS / "master"},
    },
    "keyring": {
        "class": "liandong.engines.keys.files.FileRing",
        "options": {"folder": KEYS / "objects"},
    },
    "signer": {
        "class": "liandong.engines.signing.sm2.Sm2Signer",
        "options": {"folder": KEYS / "signing"},
    },
    "time_stamper": {
        "class": "liandong.engines.signing.sm2.LocalTimeStamper",
        "options": {"folder": KEYS / "signing"},
    },
}

# Sign-in by allauth: names and passwords, second factors, the single sign-on of the city.
ACCOUNT_ADAPTER = "liandong.base.people.signing.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = False  # `base.people.services.throttle` counts in the database instead
MFA_ADAPTER = "liandong.base.people.signing.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # clocks may be half a minute apart; a code still works once only
MFA_TOTP_ISSUER = "Liandong"
MFA_RATE_LIMITS = False
_FORMS = "liandong.base.people.signing.forms"
MFA_FORMS = {
    "authenticate": f"{_FORMS}.CodeForm",
    "reauthenticate": f"{_FORMS}.CodeAgainForm",
    "activate_totp": f"{_FORMS}.FirstCodeForm",
    "add_webauthn": f"{_FORMS}.AddPasskeyForm",
    "authenticate_webauthn": f"{_FORMS}.PasskeyForm",
    "reauthenticate_webauthn": f"{_FORMS}.PasskeyAgainForm",
    "login_webauthn": f"{_FORMS}.PasskeyOnlyForm",
}
SOCIALACCOUNT_ADAPTER = "liandong.base.people.signing.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
OIDC_ISSUER: str = _KNOB["OIDC_ISSUER"]
OIDC_NAME: str = _KNOB["OIDC_NAME"]
OIDC_CLAIM: str = _KNOB["OIDC_CLAIM"]
OIDC_UNKNOWN: str = _KNOB["OIDC_UNKNOWN"]
_SINGLE_SIGN_ON = {
    "provider_id": "sso",
    "name": OIDC_NAME,
    "client_id": _KNOB["OIDC_CLIENT_ID"],
    "secret": _KNOB["OIDC_CLIENT_SECRET"],
    "settings": {"server_url": OIDC_ISSUER},
}
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [_SINGLE_SIGN_ON] if OIDC_ISSUER else [],
    }
}

BIND: str = _KNOB["BIND"]
PORT: int = _KNOB["PORT"]
WEB_WORKERS: int = _KNOB["WEB_WORKERS"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "liandong.site.logs.KeyValueFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"pyvips": {"level": "WARNING"}},  # it tells names of files, which tell of people
    "root": {"handlers": ["stderr"], "level": _KNOB["LOG_LEVEL"]},
}
