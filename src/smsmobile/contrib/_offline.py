"""A client that sends nothing: it records each message instead. For the backends `console` and `locmem`, and for tests.

It is an adapter of requests in the place of the network, so everything above it is the client as it is: a message that
cannot be sent is refused as always. There is no server, no socket and no thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from .._wire.endpoints import ENDPOINTS
from ..client import SMSMobileClient


class RecordedSMS(NamedTuple):
    """A message that was not sent but recorded."""

    recipient: str
    """The number with its country code, such as `+33639981234`."""
    message: str
    """The text."""
    guid: str
    """The GUID that `send` returned."""
    channel: str = "sms"
    """`"sms"`, or `"whatsapp"` for a message that goes out by WhatsApp alone."""
    sim: int | None = None
    """The SIM slot, if one was chosen."""
    device: str | None = None
    """The SID of the phone, if one was chosen."""
    schedule_at: datetime | None = None
    """When it is to be sent, aware UTC; None for at once."""
    shorten_urls: bool = False
    """Whether links are to be shortened."""
    encrypt: bool = False
    """Whether the text is to be encrypted."""
    whatsapp: bool = False
    """Whether an SMS goes out by WhatsApp, too."""


def print_sms(sms: RecordedSMS) -> None:
    """Print a message, as the backend `console` does."""
    when = "" if sms.schedule_at is None else f", at {sms.schedule_at:%Y-%m-%d %H:%M:%S} UTC"
    line = "-" * 79
    print(f"{line}\n{sms.channel} to {sms.recipient}{when}\n\n{sms.message}\n{line}", flush=True)


Record = Callable[[RecordedSMS], object]


def offline_client(record: Record, **options: Any) -> SMSMobileClient:
    """A client that passes each message to `record` in place of sending it.

    options: other arguments of the client, such as `default_region`. Credentials are not needed.
    """
    session = requests.Session()
    session.trust_env = False
    adapter = _OfflineAdapter(record)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return SMSMobileClient(api_key="offline", session=session, max_retries=0, **options)


class _OfflineAdapter(BaseAdapter):
    """Answers as the service does. It accepts every message, and its sent log has the accepted ones, as sent."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record
        self._accepted: list[RecordedSMS] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer a request."""
        url = urlsplit(request.url or "")
        body: Any = request.body or ""
        form = parse_qs(url.query) | parse_qs(body if isinstance(body, str) else body.decode())
        answer = self._answer(url.path, {name: values[0] for name, values in form.items()})
        response = requests.Response()
        response.status_code = 200
        response.raw = HTTPResponse(BytesIO(json.dumps(answer).encode()), status=200, preload_content=False)
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        if path == _path_of("sms.send"):  # that of WhatsApp, too
            sms = _read(form)
            self._record(sms)
            self._accepted.append(sms)
            return {"result": {"error": 0, "sent": "1", "id": sms.guid}}
        if path == _path_of("sms.log"):
            rows = [_row(sms) for sms in reversed(self._accepted) if form.get("guid_message", sms.guid) == sms.guid]
            return {"result": {"error": 0, "sms": rows}}
        if path == _path_of("sms.received"):
            return {"result": {"error": 0, "sms": []}}
        return {"error": "offline", "message": "This client sends nothing, and has no answer to this."}


def _path_of(endpoint: str) -> str:
    return ENDPOINTS[endpoint].path


def _read(form: Mapping[str, str]) -> RecordedSMS:
    at = form.get("schedule_timestamp")
    is_whatsapp = "waonly" in form
    return RecordedSMS(
        recipient=f"+{form['recipients']}" if is_whatsapp else form["recipients"],  # WhatsApp takes digits alone
        message=form["message"],
        guid=uuid4().hex,
        channel="whatsapp" if is_whatsapp else "sms",
        sim=int(form["port"]) if "port" in form else None,
        device=form.get("sIdentifiant"),
        schedule_at=None if at is None else datetime.fromtimestamp(int(at), timezone.utc),
        shorten_urls="shorturl" in form,
        encrypt="encrypt_message" in form,
        whatsapp="sendwa" in form,
    )


def _row(sms: RecordedSMS) -> dict[str, str]:
    return {"guid": sms.guid, "number": sms.recipient, "message": sms.message, "send_from_mobile": "1"}
