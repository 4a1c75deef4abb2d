"""All settings, all from the environment (see .env.example). A wrong value stops the start with one clear line."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from yolotrainer.defaults import (
    data_dir_is_usable,
    kept_secret,
    short_socket_path,
    store_origins,
    usable_cores,
)
from yolotrainer.reading import (
    ACCEPTED_DATABASES,
    ALLOWED_HOST,
    ENDPOINT,
    ORIGIN,
    WILD_ORIGIN,
    all_matching,
    database,
    matching,
    needed,
    networks,
    one_of,
    rate,
    read_file,
    redis_address,
    s3_account,
    setting,
)
from yolotrainer.sentry import report_errors

BASE_DIR = Path(__file__).resolve().parent.parent
read_file(BASE_DIR / ".env")
CENTURY = 36_500  # days: more than that no date can be counted back by

# --- place --------------------------------------------------------------------------------------------------
DATA_DIR = Path(setting("str", "DATA_DIR", str(BASE_DIR / "var"))).expanduser().absolute()
data_dir_is_usable(DATA_DIR)
DEBUG = setting("bool", "DEBUG", False)
TESTING = "pytest" in sys.modules
REDIS_URL = redis_address("REDIS_URL")
if REDIS_URL:  # else a second machine would make a database and a key of its own, and look healthy with them
    why = "with REDIS_URL several machines may work as one, and each would have its own"
    needed("SECRET_KEY", why, "a long random text, the same on every machine")
    needed("DATABASE_URL", why, ACCEPTED_DATABASES)
SECRET_KEY = setting("str", "SECRET_KEY", "") or kept_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = all_matching(
    "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], ALLOWED_HOST,
    "names of hosts without https:// and port, .example.org for all below it, addresses, [addresses of IPv6], *",
)  # fmt: skip
CSRF_TRUSTED_ORIGINS = all_matching(
    "CSRF_TRUSTED_ORIGINS", [], WILD_ORIGIN, "https://yolo.example.org (http:// and a port, too), https://*.example.org"
)
HTTPS = setting("bool", "HTTPS", False)
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = setting("bool", "HTTPS_REDIRECT", HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked by machines beside the proxy
SECURE_HSTS_SECONDS = setting("int", "HSTS_SECONDS", 0, 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = setting("bool", "HSTS_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = setting("bool", "HSTS_PRELOAD", False)
if SECURE_HSTS_SECONDS and not HTTPS:
    raise ImproperlyConfigured(f"HSTS_SECONDS={SECURE_HSTS_SECONDS} needs HTTPS=true: else nobody could come back.")
# Whether the domain's other hosts speak HTTPS, too, is for their owner to say (HSTS_SUBDOMAINS, HSTS_PRELOAD).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Two platforms side by side on one host differ only by their port, and cookies do not: each gets its own names.
COOKIE_SUFFIX = matching("COOKIE_SUFFIX", "", r"[A-Za-z0-9_-]*", "letters, digits, _ and -")
SESSION_COOKIE_NAME = f"sessionid{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"csrftoken{COOKIE_SUFFIX}"

# Pages run our own scripts only. Styles may stand in attributes: widths come from data, and plotly makes its own.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = all_matching("CORS_ORIGINS", [], ORIGIN, "https://app.example.org (http:// and a port, too)")
CORS_URLS_REGEX = r"^/api/v1/"
CORS_EXPOSE_HEADERS = ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"]

# --- applications -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "corsheaders",
    "csp",
    "django_celery_results",
    "apps.core",
    "apps.accounts",
    "apps.datasets",
    "apps.annotations",
    "apps.models",
    "apps.training",
    "apps.inference",
    "apps.operator",
]
MIDDLEWARE = [
    "apps.core.metrics.middleware.Metered",
    "apps.core.logs.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "apps.core.headers.PagePolicy",
    "apps.core.headers.SafeHeaders",
    "corsheaders.middleware.CorsMiddleware",
    "apps.core.limits.RateHeaders",
    "apps.core.callers.KnownCaller",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.SlashlessApi",
    "apps.core.middleware.PageMethods",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.access.OperatorsNeedTotp",
    "apps.accounts.access.UnverifiedOnlyLook",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.accounts.browsers.SeenSessions",
    "axes.middleware.AxesMiddleware",
    "apps.core.middleware.DatabaseAway",
]
ROOT_URLCONF = "yolotrainer.urls"
WSGI_APPLICATION = "yolotrainer.wsgi.application"
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
            ],
            "builtins": ["apps.core.templatetags.ui"],
            "libraries": {"lucide": "apps.core.templatetags.icons"},
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# --- database -----------------------------------------------------------------------------------------------
its_database = database("DATABASE_URL") or {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": DATA_DIR / "platform.sqlite3",
}
its_database["CONN_MAX_AGE"] = 60
if its_database["ENGINE"].endswith("postgresql"):
    its_database["CONN_HEALTH_CHECKS"] = True
    # Migrations that lock no table for long: indexes are built beside the work, constraints validated afterwards.
    its_database["ENGINE"] = "django_zero_downtime_migrations.backends.postgres"
    ZERO_DOWNTIME_MIGRATIONS_LOCK_TIMEOUT = "5s"
    ZERO_DOWNTIME_MIGRATIONS_IDEMPOTENT_SQL = True
else:
    its_database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;"
        "PRAGMA mmap_size=134217728;PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-20000;",
    }
DATABASES = {"default": its_database}

# --- queue and cache ----------------------------------------------------------------------------------------
VALKEY_SOCKET = None if REDIS_URL else short_socket_path(DATA_DIR)
CELERY_BROKER_URL = f"{REDIS_URL}/0" if REDIS_URL else f"redis+socket://{VALKEY_SOCKET}?virtual_host=0"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"{REDIS_URL}/1" if REDIS_URL else f"unix://{VALKEY_SOCKET}?db=1",
    }
}
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
TASK_RESULT_DAYS = setting("int", "TASK_RESULT_DAYS", 7, 1, CENTURY)
CELERY_RESULT_EXPIRES = timedelta(days=TASK_RESULT_DAYS)
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_DEFAULT_QUEUE = "default"
# What has dead workers' jobs go on, and sends what was not sent, waits behind no job of hours.
SWEEPS = ("apps.core.tasks.sweep_jobs", "apps.core.tasks.sweep_webhooks", "apps.training.tasks.sweep_training")
CELERY_TASK_ROUTES = {
    **{sweep: {"queue": "upkeep"} for sweep in SWEEPS},
    "apps.training.tasks.preview_augmentation": {"queue": "default"},  # nobody waits for days to see a picture
    "apps.inference.tasks.store_captures": {"queue": "default"},  # not behind a batch of hours
    "apps.inference.tasks.sweep_captures": {"queue": "default"},
    "apps.inference.tasks.expire_captures": {"queue": "default"},
    "apps.training.*": {"queue": "training"},
    "apps.inference.*": {"queue": "inference"},
    "apps.models.*": {"queue": "inference"},
}
CELERY_TASK_IGNORE_RESULT = False
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# One retry only: a request must answer at once when the queue is away, the sweep enqueues what was lost.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 30}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "apps.core.tasks.sweep_jobs", "schedule": 10},
    "sweep-training": {"task": "apps.training.tasks.sweep_training", "schedule": 10},
    "clean-yolo-folders": {
        "task": "apps.training.tasks.clean_yolo_folders",
        "schedule": 3600,
        "options": {"queue": "default"},
    },
    "prune-revisions": {"task": "apps.annotations.tasks.prune_revisions", "schedule": 6 * 3600},
    "empty-trash": {"task": "apps.datasets.tasks.empty_trash", "schedule": 3600},
    "delete-pending-files": {"task": "apps.datasets.tasks.delete_pending_files", "schedule": 600},
    "expire-predictions": {"task": "apps.inference.tasks.expire_answers", "schedule": 3600},
    "roll-up-traffic": {"task": "apps.inference.tasks.roll_up_traffic", "schedule": 1800},
    "sweep-webhooks": {"task": "apps.core.tasks.sweep_webhooks", "schedule": 10},
    "expire-webhook-log": {"task": "apps.core.tasks.expire_webhook_log", "schedule": 3600},
    "sweep-captures": {"task": "apps.inference.tasks.sweep_captures", "schedule": 60},
    "expire-captures": {"task": "apps.inference.tasks.expire_captures", "schedule": 3600},
    "forget-ended-sign-ins": {"task": "apps.accounts.tasks.forget_ended_sign_ins", "schedule": 6 * 3600},
    "expire-files": {"task": "apps.core.tasks.expire_job_files", "schedule": 3600},
    "delete-old": {"task": "apps.core.tasks.delete_old", "schedule": crontab(hour=3, minute=30)},
}

# --- people -------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.UsernameOrEmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_HANDLER = "apps.accounts.lockout.Handler"
AXES_FAILURE_LIMIT = setting("int", "SIGN_IN_FAILURES", 5, 1)
AXES_COOLOFF_TIME = timedelta(minutes=setting("int", "SIGN_IN_LOCK_MINUTES", 15, 1, 1440))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "apps.accounts.lockout.account_name"
AXES_CLIENT_IP_CALLABLE = "apps.core.addresses.address_of"
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.answer"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
OTP_TOTP_ISSUER = "YOLO Trainer"
OPERATOR_TOTP = setting("bool", "OPERATOR_TOTP", False)
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "core:home"
LOGOUT_REDIRECT_URL = "core:home"
# REGISTRATION_OPEN=false was how registration was closed before there were invitations.
REGISTRATION = one_of(
    "REGISTRATION", "open" if setting("bool", "REGISTRATION_OPEN", True) else "closed", "open", "invitation", "closed"
)
TEAM_INVITATIONS_REGISTER = setting("bool", "TEAM_INVITATIONS_REGISTER", True)
OPERATOR_CONTACT = setting("str", "OPERATOR_CONTACT", "")
PUBLIC_URL = matching("PUBLIC_URL", "", ENDPOINT, "https://yolo.example.org (http:// and a port, too)").rstrip("/")
INVITATION_DAYS = setting("int", "INVITATION_DAYS", 7, 1, 365)
PASSWORD_RESET_TIMEOUT = setting("int", "PASSWORD_RESET_HOURS", 3, 1, 168) * 3600
EMAIL_VERIFICATION_DAYS = setting("int", "EMAIL_VERIFICATION_DAYS", 3, 1, 90)

# --- mail ---------------------------------------------------------------------------------------------------
EMAIL_HOST = setting("str", "EMAIL_HOST", "")
MAIL_IS_SENT = bool(EMAIL_HOST)
EMAIL_SECURITY = one_of("EMAIL_SECURITY", "starttls", "tls", "none")
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_PORT = setting("int", "EMAIL_PORT", {"starttls": 587, "tls": 465, "none": 25}[EMAIL_SECURITY], 1, 65535)
EMAIL_HOST_USER = setting("str", "EMAIL_USER", "")
EMAIL_HOST_PASSWORD = setting("str", "EMAIL_PASSWORD", "")
EMAIL_TIMEOUT = setting("int", "EMAIL_TIMEOUT", 20, 1, 300)
DEFAULT_FROM_EMAIL = setting("str", "EMAIL_FROM", "")
if MAIL_IS_SENT and "@" not in DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured(f"EMAIL_HOST is set and EMAIL_FROM={DEFAULT_FROM_EMAIL} is no address to send from.")

# --- API ----------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.jwts.PersonJWT",
        "apps.accounts.authentication.ApiTokenAuthentication",
        "apps.accounts.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.authentication.IsSignedInWithScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "apps.core.pagination.PagePagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.api.answer_error",
    "DEFAULT_THROTTLE_CLASSES": ["apps.accounts.throttling.ApiRate"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` names file formats here
}
SIGN_IN_RATE = rate("SIGN_IN_RATE", "30/min")
# Calls in a minute; 0: as many as come. Thumbnails are calls of the API, too: a person's is wide.
RATE_OF_USERS = setting("int", "RATE_OF_USERS", 6000, 0)
RATE_OF_TOKENS = setting("int", "RATE_OF_TOKENS", 3000, 0)
RATE_OF_ADDRESSES = setting("int", "RATE_OF_ADDRESSES", 300, 0)
RATE_OF_INFER = setting("int", "RATE_OF_INFER", 0, 0)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=setting("int", "JWT_ACCESS_MINUTES", 60, 1, CENTURY * 1440)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=setting("int", "JWT_REFRESH_DAYS", 14, 1, CENTURY)),
    "UPDATE_LAST_LOGIN": False,
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "YOLO Trainer API",
    "DESCRIPTION": "Collect and label images, train YOLO models, deploy them, and call them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # names in the schema are no matter of where it runs
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # of fields that are called alike and take other words
        "ArchiveFormatEnum": "apps.annotations.api.imports.ARCHIVE_FORMATS",
        "ModelFormatEnum": "apps.models.models.TrainedModel.Format",
        "RevisionKindEnum": "apps.annotations.models.Revision.Kind",
        "ExportPrecisionEnum": "apps.models.models.ModelExport.PRECISIONS",
        "SplitEnum": "apps.datasets.models.SPLITS",
        "EvaluationSplitEnum": "apps.models.models.Evaluation.SPLITS",
        "ImportSplitsEnum": "apps.annotations.api.imports.SPLITS",
        "ImageStateEnum": "apps.datasets.models.DatasetImage.State",
        "WorkStatusEnum": "apps.core.models.Work.Status",
    },
}

# --- files --------------------------------------------------------------------------------------------------
plotly_dir = Path(importlib.util.find_spec("plotly").submodule_search_locations[0]) / "package_data"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", plotly_dir)]
MEDIA_ROOT = DATA_DIR / "media"
WORK_DIR = DATA_DIR / "work"  # run folders, dataset folders for YOLO, serving models: all can be made again
UPLOAD_DIR = DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR
FETCH_MINUTES = setting("int", "FETCH_MINUTES", 120, 1, 1440)  # for a file from an address
S3_BUCKET = matching(
    "S3_BUCKET", "", r"[A-Za-z0-9._-]{1,255}|arn:[\w:/-]{1,255}", "a bucket's name: letters, digits, . and -"
)
S3_OPTIONS = {
    **s3_account("S3"),
    "signature_version": "s3v4",
    "default_acl": None,
    "file_overwrite": True,
}
BACKUP_S3_OPTIONS = S3_OPTIONS | s3_account("BACKUP_S3", S3_OPTIONS)  # where backups to s3:// go
if S3_BUCKET:
    default_storage = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": S3_BUCKET, **S3_OPTIONS},
    }
else:
    default_storage = {"BACKEND": "apps.core.storage.AtomicFileStorage"}
S3_SIGNED_SECONDS = setting("int", "S3_SIGNED_SECONDS", 0, 0, 86_400)  # 0: the bytes pass through the web process
if S3_SIGNED_SECONDS and S3_BUCKET:  # pages send uploads there
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"] += store_origins(
        S3_OPTIONS["endpoint_url"], S3_OPTIONS["region_name"], S3_BUCKET
    )
static_storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
if not (DEBUG or TESTING):
    static_storage = "apps.core.storage.HashedStaticStorage"
STORAGES = {"default": default_storage, "staticfiles": {"BACKEND": static_storage}}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING  # else each test client reads all files
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
for made in (UPLOAD_DIR, WORK_DIR, STATIC_ROOT):
    made.mkdir(parents=True, exist_ok=True)

# --- limits -------------------------------------------------------------------------------------------------
MAX_IMAGE_BYTES = setting("int", "MAX_IMAGE_MB", 50, 1) * 1024 * 1024
MAX_IMAGE_PIXELS = setting("int", "MAX_IMAGE_MEGAPIXELS", 100, 1) * 1_000_000
MAX_ARCHIVE_BYTES = setting("int", "MAX_ARCHIVE_MB", 10_000, 1) * 1024 * 1024
MAX_VIDEO_PIXELS = setting("int", "MAX_VIDEO_MEGAPIXELS", 36, 1) * 1_000_000  # of a frame
MAX_VIDEO_FRAMES = setting("int", "MAX_VIDEO_FRAMES", 100_000, 1)  # that one batch answers
UPLOADS_AT_ONCE = setting("int", "UPLOADS_AT_ONCE", 8, 1)
MAX_BOXES_PER_IMAGE = setting("int", "MAX_BOXES_PER_IMAGE", 10_000, 1)
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # JSON and form fields; files are streamed and limited on their own
DATA_UPLOAD_MAX_NUMBER_FILES = 500
REVISIONS_KEPT = setting("int", "REVISIONS_KEPT", 0, 0)  # of each image, at least 20; 0: all
TRASH_DAYS = setting("int", "TRASH_DAYS", 30, 0, CENTURY)
JOB_FILE_HOURS = setting("int", "JOB_FILE_HOURS", 72, 1, CENTURY * 24)
JOB_DAYS = setting("int", "JOB_DAYS", 0, 0, CENTURY)  # of ended jobs; 0: forever, as are the next ones
AUDIT_DAYS = setting("int", "AUDIT_DAYS", 0, 0, CENTURY)
EXPORT_DAYS = setting("int", "EXPORT_DAYS", 0, 0, CENTURY)
TRAINING_LOG_DAYS = setting("int", "TRAINING_LOG_DAYS", 0, 0, CENTURY)
JOB_STALE_SECONDS = setting("int", "JOB_STALE_SECONDS", 30, 5, 86_400)
TRAININGS_AT_ONCE_PER_PERSON = setting("int", "TRAININGS_AT_ONCE_PER_PERSON", 0, 0)  # 0: as many as are free
TRAININGS_AT_ONCE_PER_TEAM = setting("int", "TRAININGS_AT_ONCE_PER_TEAM", 0, 0)
STORAGE_MB_PER_PERSON = setting("int", "STORAGE_MB_PER_PERSON", 0, 0)  # of what is their own; 0: no limit
STORAGE_MB_PER_TEAM = setting("int", "STORAGE_MB_PER_TEAM", 0, 0)
TRAINING_MAX_RESTARTS = setting("int", "TRAINING_MAX_RESTARTS", 3, 0)
TRAINING_MAX_HOURS = setting("float", "TRAINING_MAX_HOURS", 0, 0)  # of training time a job; 0: as long as it takes
RUN_FOLDER_DAYS = setting("int", "RUN_FOLDER_DAYS", 14, 0, CENTURY)  # of failed trainings; a paused one's stays
TRAINING_DEVICE = matching(
    "TRAINING_DEVICE", "", r"cpu|mps|\d{1,2}(,\d{1,2})*", "cpu, mps, the number of a GPU as 0, or several as 0,1"
)
TRAINERS = setting("int", "TRAINERS", 1, 1, 64)  # trainings at a time
WEIGHTS_DIR = Path(setting("str", "WEIGHTS_DIR", str(DATA_DIR / "weights")))
WEIGHTS_DOWNLOAD = setting("bool", "WEIGHTS_DOWNLOAD", True)
# One more than cores: while one picture is decoded or its answer written, each core has another to compute.
INFERENCE_THREADS = setting("int", "INFERENCE_THREADS", min(usable_cores(), 8) + 1, 1)
WEB_THREADS = setting("int", "WEB_THREADS", 16, 2)  # of all but predictions, which have threads of their own
INFERENCE_WAITING = setting("int", "INFERENCE_WAITING", 8, 0)
SERVING_PRECISION = one_of("SERVING_PRECISION", "auto", "bf16", "f32")
SERVING_RUNTIME = one_of("SERVING_RUNTIME", "auto", "openvino", "onnxruntime")
TRAFFIC_DAYS = setting("int", "TRAFFIC_DAYS", 400, 32, CENTURY)
INFERENCE_MEMORY_BYTES = setting("int", "INFERENCE_MEMORY_MB", 1024, 1) * 1024 * 1024

# --- calls to other machines ---------------------------------------------------------------------------------
OUTGOING_PRIVATE_NETWORKS = networks("OUTGOING_PRIVATE_NETWORKS")  # our own, that webhooks may reach all the same
WEBHOOK_MAX_FAILURES = setting("int", "WEBHOOK_MAX_FAILURES", 20, 1)  # in a row, over an hour at least
WEBHOOK_LOG_DAYS = setting("int", "WEBHOOK_LOG_DAYS", 30, 1, CENTURY)

# --- watching it ---------------------------------------------------------------------------------------------
METRICS_TOKEN = setting("str", "METRICS_TOKEN", "")

# --- logs ---------------------------------------------------------------------------------------------------
LOG_FORMAT = one_of("LOG_FORMAT", "line", "json")
LOG_LEVEL = matching(
    "LOG_LEVEL", "INFO", "(?i:DEBUG|INFO|WARNING|ERROR|CRITICAL)", "DEBUG, INFO, WARNING, ERROR, CRITICAL"
).upper()
ACCESS_LOG = setting("bool", "ACCESS_LOG", False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "apps.core.logs.Context"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s%(tag)s %(message)s"},
        "json": {"()": "apps.core.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django.request": {"level": "ERROR"}, "celery": {"level": "WARNING"}, "axes": {"level": "ERROR"}},
}
SENTRY_DSN = setting("str", "SENTRY_DSN", "")
if SENTRY_DSN:
    report_errors(SENTRY_DSN, setting("str", "SENTRY_ENVIRONMENT", "production"))
