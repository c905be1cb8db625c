"""The product's settings, as in production, with what the pages beside it need: the admin and its addresses."""

from backoffice.settings import *  # noqa: F403

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin"]  # noqa: F405
ROOT_URLCONF = "bench.queue_peers"
_frame = TEMPLATES[0]["OPTIONS"]["context_processors"]  # noqa: F405
_frame[_frame.index("backoffice.nav.shell")] = "bench.queue_peers.shell"
ALLOWED_HOSTS = ["testserver"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATABASES["default"]["OPTIONS"] = {}  # noqa: F405 — pages beside it take longer than the product allows itself
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False  # noqa: F405
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR"}}
