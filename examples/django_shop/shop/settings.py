"""The settings of the shop. Those of `smsmobile` are one line in INSTALLED_APPS, and SMSMOBILE."""

from __future__ import annotations

import os

SMSMOBILE = {
    "BACKEND": "sandbox",  # "live" sends through your phone, with SMSMOBILEAPI_API_KEY of the environment or .env
    "BASE_URL": os.environ.get("SHOP_SANDBOX", "http://127.0.0.1:8420"),  # only for the sandbox
    "WEBHOOK_SECRET": "a-secret-for-the-demonstration",
}

SECRET_KEY = "for the demonstration"
DEBUG = True
ROOT_URLCONF = "shop.urls"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "smsmobile.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "shop.sqlite",  # in the current folder
        # With several processes: a transaction that will write waits for its turn when it begins.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
    }
}
