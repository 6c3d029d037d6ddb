"""The settings of a Django project, for the tests in their own process and for the workers that they start."""

from __future__ import annotations

import os
from importlib.util import find_spec

SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
USE_TZ = True
LOGGING_CONFIG = None
ROOT_URLCONF = "django_project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("TEST_SQLITE", ":memory:")}}
if "TEST_POSTGRESQL_PORT" in os.environ:
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["TEST_POSTGRESQL_PORT"],
        "NAME": os.environ["TEST_POSTGRESQL_NAME"],
        "USER": "smsmobile",
        "PASSWORD": os.environ["TEST_POSTGRESQL_PASSWORD"],
    }

_OTHERS = (
    *("rest_framework", "django_otp", "django_otp.plugins.otp_static", "django_otp.plugins.otp_totp"),
    *("two_factor", "two_factor.plugins.phonenumber", "allauth", "allauth.account", "phone_verify"),
)
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    *(app for app in _OTHERS if find_spec(app.partition(".")[0]) is not None),
    "smsmobile.contrib.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    *(["django_otp.middleware.OTPMiddleware"] if find_spec("django_otp") else []),
    "django.contrib.messages.middleware.MessageMiddleware",
    *(["allauth.account.middleware.AccountMiddleware"] if find_spec("allauth") else []),
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
SMSMOBILE: dict[str, object] = {"WEBHOOK_SECRET": "a-secret-of-the-tests"}
