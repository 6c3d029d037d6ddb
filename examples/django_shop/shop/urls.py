"""The URLs of the shop. The service posts webhooks to /sms/webhook."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.shop, name="shop"),
    path("orders/<int:pk>/", views.order, name="order"),
    path("sms/", include("smsmobile.contrib.django.urls")),
    path("admin/", admin.site.urls),
]
