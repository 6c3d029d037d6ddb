"""Shared by the examples: a client of the real service if credentials are configured, else of a local sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smsmobile import Settings, SMSMobileClient
from smsmobile.sandbox import Sandbox

SOMEBODY = "+33639985678"


@contextmanager
def connect() -> Iterator[tuple[SMSMobileClient, Sandbox | None, str]]:
    """The client, its sandbox (None on the real service), and the number to write to.

    It is the real service if SMSMOBILEAPI_API_KEY, or SMSMOBILEAPI_CLIENT_ID and SMSMOBILEAPI_CLIENT_SECRET, are set in
    the environment or in a `.env` file.
    """
    settings = Settings.from_env()
    if settings.api_key or settings.client_id:
        if settings.recipient is None:
            raise SystemExit("Set SMSMOBILEAPI_RECIPIENT to the number that the example may send to.")
        with SMSMobileClient.from_env() as client:
            yield client, None, settings.recipient
    else:
        with Sandbox() as box, SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
            print(f"No credentials are configured. Using a local sandbox: {box.url}")
            yield client, box, settings.recipient or SOMEBODY
