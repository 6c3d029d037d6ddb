"""The URLs of webhooks: `path("sms/", include("smsmobile.contrib.django.urls"))` makes `/sms/webhook` of them.

With and without a slash at the end, since a POST cannot be redirected. The second is for version 1 webhooks.
"""

from __future__ import annotations

from django.urls import re_path

from .views import webhook

__all__ = ["app_name", "urlpatterns"]


def __dir__() -> list[str]:
    return __all__


app_name = "smsmobile"
urlpatterns = [
    re_path(r"^webhook/?$", webhook, name="webhook"),
    re_path(r"^webhook/(?P<token>[^/]+)/?$", webhook, name="webhook-v1"),
]
