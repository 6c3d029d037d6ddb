"""The view that receives webhooks. It passes them to the endpoint, which decides everything."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ...errors import SMSMobileError
from ...webhooks import WebhookAnswer
from ...webhooks.events import MAX_BODY_BYTES
from .endpoint import get_endpoint

__all__ = ["webhook"]


def __dir__() -> list[str]:
    return __all__


log = logging.getLogger("smsmobile")

_NOT_READY = WebhookAnswer(503, "the endpoint cannot be used now: deliver it again later")
_NO_BODY = WebhookAnswer(400, "the body could not be read")


@csrf_exempt  # the signature replaces the CSRF token
@login_not_required
@transaction.non_atomic_requests  # the event store commits the claim before an event is handled
def webhook(request: HttpRequest, token: str | None = None) -> HttpResponse:
    """Answer one delivery.

    request: its body is read up to the limit of the endpoint, whatever DATA_UPLOAD_MAX_MEMORY_SIZE is.
    token: what the URL of a version 1 webhook ends in.
    """
    answer = _answer(request, token)
    response = HttpResponse(answer.text, status=answer.status, headers=answer.headers)
    if token is not None:  # Django would log the URL with the token; the endpoint has logged what went wrong
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answer(request: HttpRequest, token: str | None) -> WebhookAnswer:
    """What fails here is not raised, since Django logs an exception with the URL."""
    try:
        endpoint = get_endpoint()
    except SMSMobileError as error:
        log.error("The endpoint of webhooks cannot be used. The delivery is answered 503. %s", error)  # noqa: TRY400
        return _NOT_READY
    try:
        body = _body(request).read(MAX_BODY_BYTES + 1)
    except Exception as error:  # noqa: BLE001 - each server has its own, whose texts can show the body
        log.warning("The body of a webhook delivery could not be read (%s).", type(error).__name__)
        return _NO_BODY
    return endpoint.answer(request.method or "", body, request.META, url_token=token)


def _body(request: HttpRequest) -> Any:
    """The stream of the request. Django ignores chunked bodies under WSGI, also those of servers that can read them."""
    environ = getattr(request, "environ", {})
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        return environ["wsgi.input"]
    return request
