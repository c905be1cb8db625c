"""The only settings. Every variable read here stands in .env.example; nonsense is refused at start-up."""

import base64
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from backoffice import embedded, sandbox_accounts

BASE_DIR = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool) -> bool:
    """Read a yes/no variable; anything but 1, 0, true, false, yes, no is refused."""
    value = os.environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value in {"1", "true", "yes"}:
        return True
    if value in {"0", "false", "no"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def env_int(name: str, default: int, *, minimum: int = 0) -> int:
    """Read a whole number of at least ``minimum``."""
    value = os.environ.get(name, "").strip()
    if value == "":
        return default
    if not value.isascii() or not value.isdigit() or int(value) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}, not {value!r}.")
    return int(value)


def env_list(name: str, default: str) -> list[str]:
    """Read a comma-separated list."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def env_secret(name: str, development_value: str) -> str:
    """Read a secret; outside debug mode it must be given, and is nobody else's."""
    value = os.environ.get(name, "")
    if value:
        return value
    if DEBUG:
        return development_value
    raise ImproperlyConfigured(f"{name} is not set, and DEBUG is off; .env.example says what to set and how.")


def env_choice(name: str, first: str, *others: str) -> str:
    """Read one of a few words; the first is the default."""
    value = os.environ.get(name, "").strip() or first
    if value not in (first, *others):
        raise ImproperlyConfigured(f"{name} must be {' or '.join((first, *others))}, not {value!r}.")
    return value


def env_keys(name: str, development_value: str) -> list[str]:
    """Read encryption keys, the one that encrypts first: each 32 bytes in base 64 as for addresses."""
    keys = [key.strip() for key in env_secret(name, development_value).split(",")]
    try:
        sizes = {len(base64.urlsafe_b64decode(key)) for key in keys}
    except ValueError:
        sizes = set()
    if sizes != {32}:
        raise ImproperlyConfigured(f"{name} must be keys of 32 bytes; .env.example says how to make one.")
    return keys


def database_from(url: str) -> dict[str, object]:
    """Translate a postgresql:// URL (TCP or ?host=/socket/directory) into Django's dictionary."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// — PostgreSQL is the only database.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # A page or a task that waits longer than this is a fault to see, not a reason to wait.
            "options": "-c statement_timeout=60000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
        },
    }


# Off unless somebody says so; `make run` works without it, on secrets of its own (keys.py).
DEBUG = env_bool("DEBUG", False)
SECRET_KEY = env_secret("SECRET_KEY", "development-only-key-never-used-outside-debug-mode-0123456789")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", "")
BEHIND_TLS = env_bool("BEHIND_TLS", not DEBUG)

DATABASE_URL, REDIS_URL = embedded.urls()

DATABASES = {"default": database_from(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "ninja",
    "pgtrigger",
    "backoffice.ui",
    "backoffice.audit",
    "backoffice.accounts",
    "backoffice.jobs",
    "ledger",
    "kyc",
    "fraud",
    "providers",
    "withdrawals",
    "backoffice.platform",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "backoffice.headers.SecurityHeadersMiddleware",
    "backoffice.plain_input.PlainInputMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.accounts.middleware.SessionLimitsMiddleware",
    "backoffice.accounts.middleware.StaffOnlyMiddleware",
    "backoffice.accounts.middleware.PreferencesMiddleware",
    "backoffice.sensitive.FreshProofMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backoffice.denials.RecordDenialsMiddleware",
]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "backoffice.ui.appearance.appearance",
                "backoffice.accounts.sessions.limits",
                "backoffice.nav.shell",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "backoffice.ui.templatetags.ui"],
        },
    }
]
COTTON_DIR = "components"
COTTON_ISOLATE_BY_DEFAULT = True  # a component sees its parameters, never the page around it
FILTERS_EMPTY_CHOICE_LABEL = "Any"
FORM_RENDERER = "backoffice.ui.widgets.Renderer"
DJANGO_TABLES2_TEMPLATE = "ui/table.html"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["backoffice.accounts.backends.RolesBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "start"
LOGOUT_REDIRECT_URL = "sign-in"

# Whether nobody gets in without a second factor, or who has none gets in by password alone.
SECOND_FACTOR = env_choice("SECOND_FACTOR", "required", "offered")
# Encrypt what is kept secret in the database; the first encrypts, each of them decrypts.
FIELD_KEYS = env_keys("FIELD_KEY", "ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMDEyMzQ=")

# A session ends when nobody has touched it for this long, and at the latest when its cookie does.
IDLE_TIME = timedelta(minutes=15)
# How old the proof of who somebody is may be for what backoffice.sensitive lists.
FRESH_TIME = timedelta(minutes=15)
SESSION_ENGINE = "backoffice.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_NAME = "__Host-sid" if BEHIND_TLS else "sid"
CSRF_COOKIE_NAME = "__Host-csrf" if BEHIND_TLS else "csrf"
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("TRUST_FORWARDED_PROTO", False) else None
SECURE_HSTS_SECONDS = 63072000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "backoffice.ui.bundles.BundleFinder",
]
WHITENOISE_USE_FINDERS = DEBUG

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.redis_database(REDIS_URL, 2),
    }
}

# --- Celery -------------------------------------------------------------------------------------
# Redis carries hints, PostgreSQL carries facts: results are not kept and every task may be lost.
CELERY_BROKER_URL = embedded.celery_broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_keepalive": True,
    "health_check_interval": 30,
    "socket_connect_timeout": 2,
    "unacked_restore_interval": 1,
}
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged before they run: the sweeper finds lost work again within seconds, a poison task dies once,
# and a late acknowledgement to a broker that has been restarted meanwhile ends the worker (kombu 5.7).
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 120
CELERY_TASK_TIME_LIMIT = 150
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery closes the database connection around every task unless this old-style name is set.
CELERY_DB_REUSE_MAX = 1000

# --- The product --------------------------------------------------------------------------------
PRODUCT_NAME = os.environ.get("PRODUCT_NAME", "Payout Desk")
# Secret and never changed: the idempotency keys of all payouts derive from it.
INSTALLATION_ID = env_secret("INSTALLATION_ID", "6f1c7c5e-6c3f-4f0e-9a52-1f2f0a7d4b11")
HOUSE_CURRENCY = os.environ.get("HOUSE_CURRENCY", "EUR")
# Value of one unit of each currency in the house currency, for thresholds and sorting only.
# A currency without a rate is never approved automatically.
REFERENCE_RATES = dict(
    pair.split(":", 1)
    for pair in env_list(
        "REFERENCE_RATES",
        "EUR:1,USD:0.92,GBP:1.17,SEK:0.088,NOK:0.086,PLN:0.23,JPY:0.0061,KWD:3.0,BRL:0.17,"
        "USDT:0.92,USDC:0.92,BTC:60000,ETH:2400",
    )
)
UNDO_TIME = timedelta(seconds=env_int("UNDO_SECONDS", 10))
REVIEW_TIME = timedelta(minutes=env_int("REVIEW_MINUTES", 120, minimum=1))
CLAIM_TIME = timedelta(minutes=env_int("CLAIM_MINUTES", 15, minimum=1))
# How many may be approved at once without more: above it an operator may not, and others type the number.
BULK_LIMIT = env_int("BULK_LIMIT", 20, minimum=1)
# How many rows of a list of withdrawals may leave as a file; compliance may take more. Lists are counted so far.
EXPORT_LIMIT = min(env_int("EXPORT_LIMIT", 10_000, minimum=1), 10_000)
# Where a withdrawal that was asked for may not be taken back by the player: codes as the platform tells them.
NO_CANCEL_JURISDICTIONS = {code.upper() for code in env_list("NO_CANCEL_JURISDICTIONS", "GB")}
# Where the audit trail is sealed; copy it, and the log, to where nobody with the database's login may write.
AUDIT_SEALS = Path(os.environ.get("AUDIT_SEALS") or BASE_DIR / "var" / "audit-seals.jsonl")
AUTOMATIC_LANE = env_bool("AUTOMATIC_LANE", True)

# --- Payment providers --------------------------------------------------------------------------
# How long after sending a provider's "no such payout" may be believed, and how fast it is asked again
# (per cent of the plan in withdrawals.operations.asking).
PROVIDER_SETTLE_TIME = timedelta(seconds=env_int("PROVIDER_SETTLE_SECONDS", 60, minimum=1))
POLL_SCALE_PERCENT = env_int("POLL_SCALE_PERCENT", 100, minimum=1)
SANDBOX_URL = os.environ.get("SANDBOX_URL", "http://127.0.0.1:9100")
SANDBOX_ALLOWED = env_bool("SANDBOX_ALLOWED", DEBUG)
SANDBOX_API_KEY = env_secret("SANDBOX_API_KEY", "sandbox-development-key")
SANDBOX_WEBHOOK_SECRET = env_secret(
    "SANDBOX_WEBHOOK_SECRET", "whsec_ZGV2ZWxvcG1lbnQtb25seS1zYW5kYm94LXdlYmhvb2stc2VjcmV0"
)
# Who pays, by code (providers/registry.py knows them): a list in a secret holds every one that is valid now.
try:
    PROVIDERS = sandbox_accounts.at(SANDBOX_URL, api_key=SANDBOX_API_KEY, webhook_secret=SANDBOX_WEBHOOK_SECRET)
except ValueError as error:
    raise ImproperlyConfigured("SANDBOX_WEBHOOK_SECRET must be whsec_ and after it base 64.") from error

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
