"""Settings from the environment. With no variable set, everything works on this machine alone."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from messenger import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
MESSENGER_HOME = Path(env.read("MESSENGER_HOME", str(BASE_DIR / "var"))).resolve()
MESSENGER_HOME.mkdir(parents=True, exist_ok=True)

PORT = env.read_number("PORT", 8000)
SITE_URL = env.read("SITE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
DEBUG = env.read_flag("DEBUG")
SECRET_KEY = env.read("SECRET_KEY") or env.keep_secret(MESSENGER_HOME / "secret-key")
ALLOWED_HOSTS = [urlsplit(SITE_URL).hostname or "", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- what sends and what is told -------------------------------------------------------------------------
MAIL_URL = env.read("MAIL_URL", "sandbox:")
# An email provider's API instead of a mail server: its name in small letters, like postmark. Its keys are ANYMAIL_*.
MAIL_PROVIDER = env.read("MAIL_PROVIDER").lower().replace("-", "_").replace(" ", "_")
# Where it is, for regions of a provider, and for those that each customer has an address of.
MAIL_PROVIDER_API_URL = env.read("MAIL_PROVIDER_API_URL")
# Emails in one request, where the provider takes several: so many may be in doubt at once on each connection.
MAIL_PROVIDER_BATCH = env.read_number("MAIL_PROVIDER_BATCH", 500)
# Messenger counts openings itself; a provider's own counting is one picture more, and rewrites the email.
PROVIDER_TRACKS_OPENS = env.read_flag("PROVIDER_TRACKS_OPENS")
EMAIL_BACKEND = "broadcasts.delivering.transports.PortalMailBackend"
MAIL_IS_SANDBOX = MAIL_URL.startswith("sandbox:") and not MAIL_PROVIDER
# Who the portal's own emails (new passwords) come from.
DEFAULT_FROM_EMAIL = env.read("DEFAULT_FROM_EMAIL", f"Messenger <messenger@{urlsplit(SITE_URL).hostname}>")
# Where bounce reports come back to. Without it, bounces go to the sender's own address and stay unread here.
BOUNCE_DOMAIN = env.read("BOUNCE_DOMAIN", "bounces.messenger.test" if MAIL_IS_SANDBOX else "")
# Port 0: any free port, published in MESSENGER_HOME for those who need it.
REPORTS_LISTEN = env.read("REPORTS_LISTEN", "127.0.0.1:0")
# What is spoken there: smtp from server to server, lmtp from a mail server on this machine (RFC 2033).
REPORTS_PROTOCOL = env.read("REPORTS_PROTOCOL", "smtp").lower()
# A mailbox in which reports collect, when no mail server can hand them over: imaps://user:password@host/INBOX
BOUNCE_IMAP_URL = env.read("BOUNCE_IMAP_URL")
# Anymail's settings, each as a variable of its own. While the secret is changed it may be several: a:b,c:d.
ANYMAIL: dict[str, Any] = {**env.read_all("ANYMAIL_")}
if env.read_list("ANYMAIL_WEBHOOK_SECRET"):
    ANYMAIL["WEBHOOK_SECRET"] = list(env.read_list("ANYMAIL_WEBHOOK_SECRET"))
# Amazon's topics whose subscription is confirmed, and that are listened to.
SNS_TOPICS = env.read_list("AMAZON_SNS_TOPICS")
# A file with Amazon's certificate, for machines that may not fetch it.
SNS_CERTIFICATE = env.read("AMAZON_SNS_CERTIFICATE")
# As others count: whatever fetched the picture, it says Opened.
COUNT_MACHINE_OPENS = env.read_flag("COUNT_MACHINE_OPENS")
# Of fewer emails the page about reading shows no rate: it would tell about a handful of families.
FEWEST_EMAILS_FOR_A_RATE = env.read_number("FEWEST_EMAILS_FOR_A_RATE", 20)
# Forms and imports take addresses with other letters before the @; sending asks the mail server for SMTPUTF8.
ALLOW_INTERNATIONAL_ADDRESSES = env.read_flag("ALLOW_INTERNATIONAL_ADDRESSES")
RETRY_MINUTES = env.read_minutes("RETRY_MINUTES")
# Of each worker thread, opened as there is work for them.
DELIVERING_CONNECTIONS = env.read_number("DELIVERING_CONNECTIONS", 5)
UNDO_SECONDS = 10
# Hours: what was to leave longer ago, and did not, waits for a person to say so. An alarm is over sooner.
MAX_LATENESS = env.read_number("MAX_LATENESS", 6)
MAX_LATENESS_EMERGENCY = 1
# So many emails refused one after the other pause a broadcast; 0: never.
STOP_AFTER_FAILURES = env.read_number("STOP_AFTER_FAILURES", 50)
LEASE_SECONDS = 120
# A frozen worker's socket must be dead before its message may be sent again: the server's 600 s for the
# reply to the final dot (RFC 5321 section 4.5.3.2.6) and a minute.
IN_DOUBT_GRACE_SECONDS = 660
# Who watches Messenger shows it (Authorization: Bearer ...); without one, /metrics does not exist.
METRICS_TOKEN = env.read("METRICS_TOKEN")
# Of one broadcast together, pictures included. Encoded for email they grow by 37 %.
ATTACHMENTS_MAX_BYTES = env.read_number("ATTACHMENTS_MAX_BYTES", 10 * 1024 * 1024)
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_UPLOAD_ROWS = 100_000
# Imports are streamed: these guard the disk and the time of a worker, not its memory.
MAX_IMPORT_BYTES = 200 * 1024 * 1024
MAX_IMPORT_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_IMPORT_ROWS = 1_000_000

# --- parts -----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "broadcasts",
    "tracking",
    "reports",
    "messenger",
    "messenger.admin_site.MessengerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_dramatiq",
    "django_filters",
    "django_htmx",
    "django_prose_editor",
    "django_tables2",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "broadcasts.middleware.school_time",
    "broadcasts.middleware.private_pages",
]

ROOT_URLCONF = "messenger.urls"
WSGI_APPLICATION = "messenger.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "broadcasts.context_processors.site",
            ],
            "builtins": ["broadcasts.templatetags.messenger"],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DJANGO_TABLES2_TEMPLATE = "table.html"

# --- data ------------------------------------------------------------------------------------------------
DATABASES = {
    "default": dj_database_url.parse(
        env.read("DATABASE_URL", f"sqlite:///{MESSENGER_HOME / 'messenger.sqlite3'}"),
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Deferred transactions fail with "database is locked" whatever the timeout when two of them write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # Threads of one test share a file; they cannot share SQLite's memory database without lock errors.
    DATABASES["default"]["TEST"] = {"NAME": str(MESSENGER_HOME / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = MESSENGER_HOME / "uploads"
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REDIS_URL = env.read("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
_dramatiq_middleware = [
    "dramatiq.middleware.AgeLimit",
    "dramatiq.middleware.TimeLimit",
    "dramatiq.middleware.ShutdownNotifications",
    "dramatiq.middleware.Callbacks",
    "dramatiq.middleware.Retries",
    "django_dramatiq.middleware.DbConnectionsMiddleware",
]
DRAMATIQ_BROKER = {
    "BROKER": "dramatiq.brokers.redis.RedisBroker" if REDIS_URL else "dramatiq.brokers.stub.StubBroker",
    # The default chance finds a dead worker's messages after ten minutes; the sweep makes that harmless,
    # a higher chance makes it short.
    "OPTIONS": {"url": REDIS_URL, "maintenance_chance": 50_000, "heartbeat_timeout": 30_000} if REDIS_URL else {},
    "MIDDLEWARE": _dramatiq_middleware,
}
DRAMATIQ_AUTODISCOVER_MODULES = ["actors"]

# --- people who sign in ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "broadcasts.User"
AUTHENTICATION_BACKENDS = [
    "broadcasts.roles.RoleBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "reports:home"
ACCOUNT_ADAPTER = "broadcasts.roles.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Nobody makes us write to strangers by asking for a new password with their address.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Messenger"

# --- what the browser is told ----------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        # The hash is that of the one style element that the rich-text editor adds to its page.
        "style-src": [SELF, "'sha256-PlumsSlvJ7vvWzjqibGAYKq92O3y/4JTxWWsWJvyUYA='"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
# Asked from the same machine, past the proxy that knows https.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 3600

# --- words, times, files ---------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = MESSENGER_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns without it
# Serving from the apps' folders: no build step between a change and the page.
WHITENOISE_USE_FINDERS = True

# For people, or one JSON object a line for what collects logs.
LOG_FORMAT = env.read("LOG_FORMAT", "plain").lower()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"()": "messenger.log_lines.Line"}, "json": {"()": "messenger.log_lines.JsonLine"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "plain",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "mail.log": {"level": "WARNING"},  # aiosmtpd logs addresses at INFO
        "dramatiq": {"level": "WARNING"},
        # Warns of two workers in one process: that is what gives an emergency threads of its own.
        "dramatiq.broker": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},  # a 404 is not news
    },
}
