"""The blueprint of an application: the view that webhooks are delivered to, and the commands."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_input_stream

from ...errors import SMSMobileError
from ...webhooks import WebhookAnswer, WebhookEndpoint
from ...webhooks.events import MAX_BODY_BYTES
from ._commands import COMMANDS

log = logging.getLogger("smsmobile")

_NOT_READY = WebhookAnswer(503, "the endpoint cannot be used now: deliver it again later")
_NO_BODY = WebhookAnswer(400, "the body could not be read")


def make_blueprint(name: str, path: str) -> Blueprint:
    """A new one, since each application has a path of its own. The last part of the longer path is the URL token."""
    blueprint = Blueprint(name, __name__, cli_group="sms")
    blueprint.add_url_rule(path, "webhook", _webhook, methods=["POST"])
    blueprint.add_url_rule(f"{path.rstrip('/')}/<token>", "webhook", _webhook, methods=["POST"])
    for command in COMMANDS:
        blueprint.cli.add_command(command)
    return blueprint


def _webhook(token: str | None = None) -> Response:
    answer = _answer(token)
    return Response(answer.text, answer.status, answer.headers)


def _answer(token: str | None) -> WebhookAnswer:
    """What fails here is not raised, since Flask logs an exception with the path, in which the token is."""
    try:
        endpoint: WebhookEndpoint = current_app.extensions["smsmobile"].endpoint
    except SMSMobileError:
        log.exception("The endpoint of webhooks cannot be used. The delivery is answered 503.")
        return _NOT_READY
    # One byte more than is accepted, whatever limit the application has. `get_data` may have been called before.
    stream = get_input_stream(request.environ, max_content_length=MAX_BODY_BYTES + 1)
    request.stream = stream  # pyright: ignore[reportAttributeAccessIssue] - this cached_property can be set
    try:
        body = request.get_data()
    except HTTPException:  # an answer of its own, which is not logged
        raise
    except Exception as error:  # noqa: BLE001 - each server has its own, whose texts can show the body
        log.warning("The body of a webhook delivery could not be read (%s).", type(error).__name__)
        return _NO_BODY
    return endpoint.answer(request.method, body, request.headers, url_token=token)
