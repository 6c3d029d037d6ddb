"""Shared by the examples: a client of the configured service if there are credentials, else of a sandbox of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from smsmobile import Settings, SMSMobileClient
from smsmobile.sandbox import Sandbox

SOMEBODY = "+33639985678"
"""A number that belongs to nobody."""


@contextmanager
def connect() -> Iterator[tuple[SMSMobileClient, Sandbox | None]]:
    """The client, and its sandbox (None if a service is configured).

    A service is configured if SMSMOBILEAPI_API_KEY, or SMSMOBILEAPI_CLIENT_ID and SMSMOBILEAPI_CLIENT_SECRET, are set
    in the environment or in a `.env` file.
    """
    settings = Settings.from_env()
    if settings.api_key or settings.client_id:
        with SMSMobileClient.from_env() as client:
            yield client, None
    else:
        with Sandbox() as box, SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
            print(f"No credentials are configured. Using a local sandbox: {box.url}")
            yield client, box


def recipient(box: Sandbox | None) -> str:
    """The number to send to. With a configured service it has to be given: no example writes to a stranger."""
    given = Settings.from_env().recipient
    if given is None and box is None:
        raise SystemExit("Set SMSMOBILEAPI_RECIPIENT to the number that this example may send to, such as your own.")
    return given or SOMEBODY


def file_for(name: str, box: Sandbox | None) -> str:
    """A file with this name for each service: what a sandbox has received was not sent by the real service."""
    service = "sandbox" if box is not None else urlsplit(Settings.from_env().base_url).hostname or ""
    return f"{name}-{service.replace(':', '_')}.sqlite"
