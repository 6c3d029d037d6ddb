"""The webhook secret of tests, by which an application and its tests agree without configuration."""

from __future__ import annotations

VARIABLE = "SMSMOBILEAPI_WEBHOOK_SECRET"
WEBHOOK_SECRET = "whsec_of_tests_6f1d0c5e8b7a4932"  # noqa: S105 - no secret: nothing but test runs knows it
