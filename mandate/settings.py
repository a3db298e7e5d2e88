"""All settings, from the environment only; a bad value stops the start and names the allowed ones."""

from ipaddress import ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from mandate import embedded_postgres, local_secret, log_settings, mail_settings, version

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value: str = env.str(name, default=default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}. Use one of: {', '.join(allowed)}.")
    return value


def networks(name: str) -> list[str]:
    values: list[str] = env.list(name, default=[])
    for value in values:
        try:
            ip_network(value)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} holds {value!r}. Use addresses or networks such as 10.0.0.7 or 10.0.0.0/24."
            ) from error
    return values


VERSION = version.read(BASE_DIR / "CHANGELOG.md")
MODE = one_of("MANDATE_MODE", "local", ("local", "production"))
PRODUCTION = MODE == "production"
STATE_DIR = embedded_postgres.state_directory()

DEBUG = env.bool("MANDATE_DEBUG", default=False)
SECRET_KEY = env.str("MANDATE_SECRET_KEY", default="")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured(
            "MANDATE_SECRET_KEY is not set. Set it to a long random text that stays the same."
        )
    SECRET_KEY = local_secret.read_or_make(STATE_DIR)
ALLOWED_HOSTS = env.list(
    "MANDATE_ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.list("MANDATE_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "mandate.apps.MandateConfig",
    "frameworks.apps.FrameworksConfig",
    "reviews.apps.ReviewsConfig",
    "runtime.apps.RuntimeConfig",
    "inventory.apps.InventoryConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "pgtrigger",
    "rest_framework",
]

MIDDLEWARE = [
    "mandate.middleware.DecisionsFirst",
    "mandate.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "mandate.middleware.ChangePasswordFirst",
    "mandate.middleware.RecordAuditors",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "mandate.urls"
WSGI_APPLICATION = "mandate.wsgi.application"
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
                "mandate.navigation.navigation",
            ],
        },
    }
]

# --- database -----------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded_postgres.current_url(STATE_DIR) or ""
DATABASES = {
    "default": {
        **env.db_url_config(DATABASE_URL or "postgres:///mandate"),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # No JIT: compiling costs more than it saves on our short queries. A page read at random costs
        # little more than the next one: disks do not turn any more, and what is used is in memory.
        "OPTIONS": {
            "options": "-c jit=off -c random_page_cost=1.1",
            "application_name": "mandate",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        # Shared by all processes without another server; holds rate limits and little else.
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
    }
}

# --- people signing in --------------------------------------------------------------------------
AUTH_USER_MODEL = "inventory.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
ACCOUNT_ADAPTER = "mandate.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
SESSION_COOKIE_AGE = env.int("MANDATE_SESSION_HOURS", default=12) * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("MANDATE_HTTPS_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
IMPORT_MAX_BYTES = env.int("MANDATE_IMPORT_MAX_MB", default=512) * 1024 * 1024

# --- jobs ---------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or DATABASE_URL.replace(
    "postgresql://", "postgres://"
).replace("postgres://", "pgmq://", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "init_extension": False,
        "use_notify": True,
        "wait_time_seconds": 0,
        "visibility_timeout": 1800,
    }
    if CELERY_BROKER_URL.startswith("pgmq://")
    else {"visibility_timeout": 1800}
    if CELERY_BROKER_URL.startswith("redis")
    else {}
)
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 8
CELERY_WORKER_ENABLE_REMOTE_CONTROL = (
    False  # the pgmq transport cannot; liveness is a heartbeat row
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
# False in tests that have no worker: a task is then not sent at all.
SEND_TASKS = env.bool("MANDATE_SEND_TASKS", default=True)

# --- what people and platforms are told ---------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_IS_SET_UP = bool(EMAIL_URL)
vars().update(mail_settings.server(EMAIL_URL))
PUBLIC_URL = mail_settings.public_url(
    env.str("MANDATE_URL", default=""),
    hosts=ALLOWED_HOSTS,
    production=PRODUCTION,
    port=env.int("PORT", default=8000),
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "MANDATE_MAIL_FROM", default=""
) or mail_settings.sender(PUBLIC_URL)
# Minutes that a message waits for others, and minutes between two e-mails to a person; what is urgent waits for
# neither. Then: how many days before access ends its owner is reminded.
MAIL_GATHER_MINUTES = env.int("MANDATE_MAIL_GATHER_MINUTES", default=2)
MAIL_PAUSE_MINUTES = env.int("MANDATE_MAIL_PAUSE_MINUTES", default=10)
REMIND_DAYS = env.int("MANDATE_REMIND_DAYS", default=7)

# --- what agents did ----------------------------------------------------------------------------
# Days that tool calls are kept. Article 26(6) of the EU AI Act asks deployers for at least six months.
TOOL_CALL_DAYS = env.int("MANDATE_TOOL_CALL_DAYS", default=200)
if TOOL_CALL_DAYS < 1:
    raise ImproperlyConfigured("MANDATE_TOOL_CALL_DAYS is below 1. Use 1 or more.")
DECISION_DAYS = env.int("MANDATE_DECISION_DAYS", default=400)
if DECISION_DAYS < 1:
    raise ImproperlyConfigured("MANDATE_DECISION_DAYS is below 1. Use 1 or more.")
# Reports of spans or calls that are written down at once, in each web process of four threads; and the size of one, as
# sent and unpacked.
INGEST_AT_ONCE = env.int("MANDATE_INGEST_AT_ONCE", default=3)
INGEST_MAX_BYTES = env.int("MANDATE_INGEST_MAX_MB", default=16) * 1024 * 1024

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "inventory.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["inventory.api.authentication.ScopeAllows"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["inventory.api.parsing.JsonBody"],
    "DEFAULT_PAGINATION_CLASS": "inventory.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["inventory.api.filtering.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "inventory.api.schema.Described",
    "EXCEPTION_HANDLER": "inventory.api.problems.problem_response",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mandate API",
    "DESCRIPTION": "Inventory and governance of AI agents and other non-human identities.",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": True,
    "ENUM_NAME_OVERRIDES": {
        "EnvironmentEnum": "inventory.models.Environment",
        "RiskEnum": "inventory.models.Risk",
        "SeverityEnum": "inventory.models.Severity",
        "TierEnum": "inventory.models.Tier",
        "IdentityKindEnum": "inventory.models.Identity.Kind",
        "CredentialKindEnum": "inventory.models.Credential.Kind",
        "PersonStatusEnum": "inventory.models.Person.Status",
        "ImportStatusEnum": "inventory.models.ImportRun.Status",
        "SweepStatusEnum": "reviews.models.SweepRun.Status",
        "FindingStateEnum": "reviews.models.Finding.Status",
        "NotificationStatusEnum": "reviews.models.Notification.Status",
        "TokenProofEnum": "runtime.models.Token.Proof",
        "TokenEndCauseEnum": "runtime.models.Token.EndCause",
        "EndCauseEnum": "inventory.models.EndCause",
        "ReviewDecisionEnum": "reviews.models.ReviewItem.Decision",
        "ReportStateEnum": "frameworks.models.Report.State",
        "ReportFormatEnum": "frameworks.models.Report.Format",
        "RequestKindEnum": "reviews.models.AccessRequest.Kind",
        "CallKindEnum": "runtime.models.ToolCall.Kind",
        "CallOutcomeEnum": "runtime.models.ToolCall.Outcome",
        "DeviationOutcomeEnum": "runtime.models.Deviation.Outcome",
        "AssessmentTriggerEnum": "frameworks.models.Assessment.Trigger",
        "SweepTriggerEnum": "reviews.models.SweepRun.Trigger",
    },
}

# --- workloads ----------------------------------------------------------------------------------
# Addresses (or networks) of proxies whose Client-Cert header (RFC 9440) is believed; nobody's by default. Such a proxy
# must remove the header from what clients send.
CLIENT_CERT_PROXIES = networks("MANDATE_CLIENT_CERT_PROXIES")
# Whether a DPoP proof at the token endpoint must hold a nonce of ours (RFC 9449, section 8).
DPOP_NONCE = env.bool("MANDATE_DPOP_NONCE", default=False)

# --- words, time, files -------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("MANDATE_TIME_ZONE", default="UTC")
STATIC_URL = "static/"
STATIC_ROOT = env.path("MANDATE_STATIC_ROOT", default=str(STATE_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if env.bool("MANDATE_PLAIN_STATIC", default=False)
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = env.path("MANDATE_MEDIA_ROOT", default=str(STATE_DIR / "uploads"))
# Days that a report is kept; 0: until security deletes it.
REPORT_DAYS = env.int("MANDATE_REPORT_DAYS", default=730)
TEST_RUNNER = "django.test.runner.DiscoverRunner"

WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (
    "jpg",
    "png",
    "gif",
    "webp",
    "woff",
    "woff2",
    "gz",
    "br",
    "map",
)

LOGGING = log_settings.configure(
    one_of("MANDATE_LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR"))
)
