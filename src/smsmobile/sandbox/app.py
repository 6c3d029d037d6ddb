"""The service's addresses as a Flask application: finds the caller and the parameters, and spells HTTP.

What an operation does lives in service.py, what it answers in answers.py and refusals.py.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as AnyResponse

from . import answers
from .answers import Answer
from .credentials import Credentials
from .parameters import Parameters, read_inbox, read_log, read_send, required
from .refusals import Refusal, invalid_apikey, missing_apikey
from .service import Service

READ = ["GET"]
WRITE = ["GET", "POST"]
LARGEST_BODY = 8 * 1024 * 1024  # PHP's default


def create_app(service: Service, credentials: Credentials) -> Flask:
    """The WSGI application over one account."""
    app = Flask("smsmobile.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.url_map.merge_slashes = False  # its redirect would keep a POST's body too
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it

    def serve(path: str, methods: list[str], operation: Callable[[Parameters], Answer]) -> None:
        def view() -> Response:
            given = _parameters()
            if not _is_authorised(given, credentials):
                raise invalid_apikey()
            return jsonify(operation(given))

        app.add_url_rule(path, path, view, methods=methods)
        # Flask would redirect with 308, which keeps a POST's body; the service's 301 loses it.
        app.add_url_rule(path.rstrip("/"), f"{path} without its slash", _add_slash, methods=methods)

    serve("/sendsms/", WRITE, lambda given: service.send(read_send(given)))
    serve("/resend/", WRITE, lambda given: service.resend(required(given, "guid")))
    serve("/log/sent/sms/", READ, lambda given: service.log(read_log(given)))
    serve("/deletesms/", WRITE, lambda given: service.delete(required(given, "guid")))

    @app.get("/getsms/")
    def getsms() -> Response:
        given = _parameters()
        if not _is_authorised(given, credentials):
            return jsonify(answers.inbox([], ""))  # a quirk of this one endpoint: a wrong key is no error
        return jsonify(service.received(read_inbox(given)))

    app.add_url_rule("/getsms", "/getsms/ without its slash", _add_slash, methods=READ)

    @app.post("/oauth2/token")
    def token() -> Response:
        response = jsonify(credentials.issue(request.form))
        response.headers["Cache-Control"] = "no-store"
        return response

    app.before_request(_refuse_head)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _parameters() -> Parameters:
    """The query, and on a POST the form, which wins. As in PHP the last of two equal names counts."""
    given = dict(request.args.items(multi=True))
    if request.method == "POST":
        given.update(request.form.items(multi=True))
    return given


def _is_authorised(given: Parameters, credentials: Credentials) -> bool:
    """Whether the token or else the key is right; raises where there is neither, and for a wrong token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        credentials.check_token(token.strip())
        return True
    key = given.get("apikey")
    if not key:
        raise missing_apikey()
    return key == credentials.api_key


def _add_slash() -> AnyResponse:
    query = request.query_string.decode("ascii", "replace")
    return redirect(f"{request.base_url}/" + (f"?{query}" if query else ""), 301)


def _refuse_head() -> None:
    # Flask answers HEAD wherever it answers GET, and GET sends an SMS.
    if request.method == "HEAD":
        body = {"error": "method_not_allowed", "message": "Use GET or POST."}
        raise Refusal(405, body, {"Allow": "GET, POST"})


def _refuse(refusal: Refusal) -> Response:
    response = jsonify(refusal.body)
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    return response


def _http_error(error: HTTPException) -> Response:
    """Unknown address, wrong method, too large a body, a mistake in the sandbox: the bare envelope."""
    if isinstance(error, InternalServerError):
        kind = type(error.original_exception).__name__
        return _refuse(Refusal(500, {"success": False, "error": "server_error", "detail": f"sandbox: {kind}"}))
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    code = error.name.lower().replace(" ", "_")
    return _refuse(Refusal(error.code or 500, {"error": code, "message": error.description}, headers))
