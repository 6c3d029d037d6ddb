"""Reads the body of an answer: decompressed, whole, and no larger than a limit."""

from __future__ import annotations

from collections.abc import Iterable

import requests
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import DecodeError, ProtocolError

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes, after decompression."""

_PIECE = 64 * 1024


class TooLarge(Exception):
    """More than LARGEST_ANSWER. Never leaves this package."""


def urllib3_response(response: requests.Response) -> BaseHTTPResponse:
    """The answer as urllib3 has it. An adapter that is not of requests may have none."""
    if isinstance(response.raw, BaseHTTPResponse):
        return response.raw
    return HTTPResponse(status=response.status_code, headers=response.headers)


def read_body(response: requests.Response) -> bytes:
    """The body, after decompression. Raises TooLarge."""
    content = getattr(response, "_content", False)
    if isinstance(content, bytes):  # a hook has read it, or an adapter has set it
        return _joined([content])
    if not isinstance(response.raw, BaseHTTPResponse):
        return _joined(response.iter_content(_PIECE))
    if "," in response.headers.get("Content-Encoding", ""):
        # Nested, two kilobytes can become gigabytes in one step, and older versions of urllib3 do take that step.
        raise DecodeError("more than one Content-Encoding")
    if "Content-Encoding" not in response.headers and 0 < (response.raw.length_remaining or 0) <= LARGEST_ANSWER:
        body: bytes = response.raw.read(decode_content=False)  # in one step
        if response.raw.length_remaining:
            raise ProtocolError("the answer was cut short")
        return body
    try:
        return _joined(iter(lambda: response.raw.read(_PIECE, decode_content=True), b""))
    except ValueError as error:  # what http.client makes of a chunk of negative length
        raise ProtocolError("the answer cannot be read") from error


def _joined(pieces: Iterable[bytes]) -> bytes:
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise TooLarge(f"The answer is larger than {LARGEST_ANSWER // 1024**2} MiB.")
        kept.append(piece)
    return b"".join(kept)
