"""What a send costs: against a plain `requests` post, and over TLS against the vendor's own package."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import requests
import trustme
from smsmobileapi import SMSSender

from smsmobile import SMSMobileClient

from .measure import Result, ratio
from .server import serve

KEY = "0123456789abcdef" * 3
TO = "+33639985678"
TEXT = "Bonjour, votre rendez-vous est demain à 10 h."


def run() -> Iterator[Result]:
    """Two rows."""
    form = {"recipients": TO, "message": TEXT, "apikey": KEY}
    with serve() as url, requests.Session() as session, SMSMobileClient(api_key=KEY, base_url=url) as client:
        yield Result(
            "client.sms.send, kept-alive loopback, model included",
            "requests.Session().post(…).json()",
            ratio(
                lambda: client.sms.send(TO, TEXT),
                lambda: session.post(f"{url}/sendsms/", data=form).json(),
                laps=25,
                calls=100,
            ),
            0.60,
        )
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(f"{folder}/server.pem")
        os.environ["REQUESTS_CA_BUNDLE"] = str(Path(folder, "ca.pem"))
        with serve(f"{folder}/server.pem") as url, SMSMobileClient(api_key=KEY, base_url=url) as client:
            vendor = SMSSender(KEY)
            vendor.api_url_send = f"{url}/sendsms"
            assert "result" in vendor.send_message(TO, TEXT)
            yield Result(
                "client.sms.send over TLS",
                "the vendor's smsmobileapi 2.0.1, same server",
                ratio(lambda: client.sms.send(TO, TEXT), lambda: vendor.send_message(TO, TEXT), laps=9, calls=20),
                0.25,
            )
        del os.environ["REQUESTS_CA_BUNDLE"]
