"""Django settings, read from the environment through `geoportal.env`. `.env.example` lists every variable."""

from pathlib import Path

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from geoportal import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.path("GEOPORTAL_VAR", BASE_DIR / "var")
"""Everything the running product writes: database, broker state, rasters, collected static files, logs."""

DEBUG = env.boolean("GEOPORTAL_DEBUG", False)
SECRET_KEY = env.text("GEOPORTAL_SECRET_KEY")
ALLOWED_HOSTS = env.words("GEOPORTAL_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("GEOPORTAL_TRUSTED_ORIGINS", [])
PUBLIC_URL = env.text("GEOPORTAL_PUBLIC_URL", "").rstrip("/")
"""Scheme, host and port that clients use; empty: taken from each request."""
BEHIND_HTTPS = env.boolean("GEOPORTAL_BEHIND_HTTPS", False)

INSTALLED_APPS = [
    "geoportal.apps.GeoportalConfig",
    "geoportal.monitoring",
    "layers",
    "ogc",
    "wifi",
    "kiosks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.gis",
]

METRICS_PORT = env.integer("GEOPORTAL_METRICS_PORT", 0, minimum=0, maximum=65535)
"""Port of 127.0.0.1 at which the monitor serves figures for Prometheus; 0: nowhere, and nothing is counted."""
LIVE_SOCKET = env.path("GEOPORTAL_LIVE_SOCKET", VAR_DIR / "sockets" / "live.sock")
"""Where the process of the live stream is asked for its state."""

MIDDLEWARE = [
    "geoportal.bodies.Bodies",
    *(["geoportal.metrics.requests.CountRequests"] if METRICS_PORT else []),
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Answers there what is the same for everyone; who asks matters only from here on.
    "ogc.lane.PublicLane",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "geoportal.accounts.middleware.TokenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

ROOT_URLCONF = "geoportal.urls"
SILENCED_SYSTEM_CHECKS = [
    # The routes of `ogc` begin with a slash so that /ogc and /ogc/ both answer.
    "urls.W002",
    # Debian's GDAL is older than 3.9. Only coordinate systems of our own list, by number, ever reach it.
    "gis.W001",
]
WSGI_APPLICATION = "geoportal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "geoportal.context.site",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": env.text("GEOPORTAL_DB_NAME", "geoportal"),
        "USER": env.text("GEOPORTAL_DB_USER", "geoportal"),
        "PASSWORD": env.text("GEOPORTAL_DB_PASSWORD", ""),
        # A path that starts with "/" is the folder of a Unix socket.
        "HOST": env.text("GEOPORTAL_DB_HOST", "localhost"),
        "PORT": env.text("GEOPORTAL_DB_PORT", "5432"),
        # Opening a connection costs more than a hot query: each web thread keeps its own, checked after an idle spell.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "geoportal"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BODY = {
    "name": env.text("GEOPORTAL_BODY_NAME", "Comune di Cremona"),
    "ipa": env.text("GEOPORTAL_BODY_IPA", "c_d150"),
    "email": env.text("GEOPORTAL_BODY_EMAIL", ""),
    "url": env.text("GEOPORTAL_BODY_URL", "https://www.comune.cremona.it"),
}
"""Who answers for the data, in metadata: name, code in the national index (iPA), e-mail, site."""
GEODATA_SCHEMA = "geodata"
"""The database schema that holds the table or view of every layer, and nothing else."""
RASTER_DIR = env.path("GEOPORTAL_RASTER_DIR", VAR_DIR / "rasters")

SOURCE_HOSTS = env.words("GEOPORTAL_SOURCE_HOSTS", [])
"""Hosts that sources may be read from: name, name:port, *.domain, or an address in digits; empty: none."""
SOURCE_NETWORKS = env.words("GEOPORTAL_SOURCE_NETWORKS", [])
"""Networks (10.1.0.0/16) that a source's host may be in although they are not public."""
SOURCE_FOLDERS = env.words("GEOPORTAL_SOURCE_FOLDERS", [])
"""Folders of the database server whose files may be attached as foreign tables; empty: none."""
SOURCES_KEY = env.text("GEOPORTAL_SOURCES_KEY", "")
"""Encrypts the passwords of sources; empty: derived from SECRET_KEY."""

MQTT_HOST = env.text("GEOPORTAL_MQTT_HOST", "127.0.0.1")
MQTT_PORT = env.integer("GEOPORTAL_MQTT_PORT", 1883, minimum=1, maximum=65535)
MQTT_DEVICE_HOST = env.text("GEOPORTAL_MQTT_DEVICE_HOST", MQTT_HOST)
MQTT_DEVICE_PORT = env.integer("GEOPORTAL_MQTT_DEVICE_PORT", MQTT_PORT, minimum=1, maximum=65535)
"""Where devices in the field find the broker."""
MQTT_CA = env.text("GEOPORTAL_MQTT_CA", "")
"""The certificate (PEM) by which devices know the broker; empty: their connection has no TLS."""
MQTT_INGEST_USER = env.text("GEOPORTAL_MQTT_INGEST_USER", "ingest")
MQTT_INGEST_PASSWORD = env.text("GEOPORTAL_MQTT_INGEST_PASSWORD", "")
MQTT_ADMIN_USER = env.text("GEOPORTAL_MQTT_ADMIN_USER", "broker-admin")
MQTT_ADMIN_PASSWORD = env.text("GEOPORTAL_MQTT_ADMIN_PASSWORD", "")

BROKER_LOG = env.text("GEOPORTAL_BROKER_LOG", "")
"""Where the broker's sifted words are kept (`geoportal.messaging.broker_log`); empty: denied topics are not counted."""

DEVICE_KINDS = ["wifi.kind", "kiosks.kind"]
"""Modules whose `register` tells of a kind of device; for ingest, which starts without the apps above."""

RETENTION_DAYS = {
    "telemetry": env.integer("GEOPORTAL_KEEP_TELEMETRY_DAYS", 90, minimum=2),
    "telemetry_5m": env.integer("GEOPORTAL_KEEP_TELEMETRY_5M_DAYS", 190, minimum=90),
    "telemetry_1h": env.integer("GEOPORTAL_KEEP_TELEMETRY_1H_DAYS", 1826, minimum=190),
    "telemetry_1d": env.integer("GEOPORTAL_KEEP_TELEMETRY_1D_DAYS", 3653, minimum=366),
    "dead_letters": env.integer("GEOPORTAL_KEEP_DEAD_LETTERS_DAYS", 30, minimum=1),
    "commands": env.integer("GEOPORTAL_KEEP_COMMANDS_DAYS", 730, minimum=1),
    "alerts": env.integer("GEOPORTAL_KEEP_ALERTS_DAYS", 1826, minimum=90),
    "deliveries": env.integer("GEOPORTAL_KEEP_DELIVERIES_DAYS", 90, minimum=7),
    "state_intervals": env.integer("GEOPORTAL_KEEP_STATE_DAYS", 1826, minimum=31),
}
"""What the monitor deletes once it is older; state intervals are the history of availability.
The database itself refuses to forget a step of an alert that is younger than 90 days."""
HISTORY_DAYS = env.integer("GEOPORTAL_KEEP_HISTORY_DAYS", 0, minimum=0)
"""For how long past states of layers are kept that say nothing themselves; 0: for ever."""

MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.text("GEOPORTAL_SMTP_HOST", "localhost"),
            "port": env.integer("GEOPORTAL_SMTP_PORT", 25, minimum=1, maximum=65535),
            "username": env.text("GEOPORTAL_SMTP_USER", ""),
            "password": env.text("GEOPORTAL_SMTP_PASSWORD", ""),
            "use_tls": env.boolean("GEOPORTAL_SMTP_STARTTLS", False),
            "timeout": 10,
        },
    }
}
DEFAULT_FROM_EMAIL = env.text("GEOPORTAL_MAIL_FROM", "geoportale@localhost")
WEBHOOK_ORIGINS = env.words("GEOPORTAL_WEBHOOK_ORIGINS", [])
"""Origins (scheme://host:port) to which alerts may be posted; empty: to none."""

AUTH_USER_MODEL = "geoportal.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

BASEMAP_URL = env.text("GEOPORTAL_BASEMAP_URL", "")
"""Template of an external raster base map, with {z}, {x} and {y}. Empty: the portal asks no other host for anything."""
BASEMAP_ATTRIBUTION = env.text("GEOPORTAL_BASEMAP_ATTRIBUTION", "")
ACCESSIBILITY_URL = env.text("GEOPORTAL_ACCESSIBILITY_URL", "")
"""Address of the accessibility declaration filed with AgID; empty: the portal's own page says what is known."""
MAP_HOME = (9.985, 45.115, 10.065, 45.155)
"""West, south, east, north in degrees (OGC:CRS84): the built-up city, what the map opens on."""
MUNICIPALITY_BOUNDS = (9.93, 45.08, 10.12, 45.19)
"""West, south, east, north in degrees (OGC:CRS84) of the municipality: what lies outside is pointed out on import."""

_basemap_origin = ["/".join(BASEMAP_URL.split("/")[:3])] if "://" in BASEMAP_URL else []
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "font-src": [CSP.SELF, "data:"],  # Bootstrap Italia keeps one icon font inside its style sheet
    "img-src": [CSP.SELF, "data:", "blob:", *_basemap_origin],
    "connect-src": [CSP.SELF, *_basemap_origin],
    "worker-src": [CSP.SELF, "blob:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.SELF],
}

# Every string is written in Italian; locale/en holds the English.
LANGUAGE_CODE = "it"
LANGUAGES = [("it", _("Italiano")), ("en", _("Inglese"))]
LOCALE_PATHS = [BASE_DIR / "geoportal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Rome"

STATIC_URL = "static/"
STATIC_ROOT = env.path("GEOPORTAL_STATIC_ROOT", VAR_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "geoportal.staticfiles.HashedStaticFiles"},
}
STATICFILES_DIRS = [
    ("vendor/maplibre-gl", BASE_DIR / "node_modules" / "maplibre-gl" / "dist"),
    ("vendor/bootstrap-italia", BASE_DIR / "node_modules" / "bootstrap-italia" / "dist"),
    ("vendor/proj4", BASE_DIR / "node_modules" / "proj4" / "dist"),
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("GEOPORTAL_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        # They tell of every record written and every file probed.
        "pyogrio": {"level": "WARNING"},
        "rasterio": {"level": "WARNING"},
    },
}
