"""The service's addresses as a Flask application: finds the caller and the parameters, and spells HTTP.

What an operation does lives in service/, what goes wrong on demand in fault_injection.py, the phone page in page/.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import perf_counter

from flask import Flask, Response, g, jsonify, redirect, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as AnyResponse

from ..errors import StorageError
from .credentials import Credentials
from .errors import Refusal, invalid_apikey
from .fault_injection import FaultInjection
from .faults import OAUTH2_PATH, Faults
from .page import problem
from .page_addresses import is_page
from .parameters import Parameters
from .recorder import Recorder
from .routes import POST, Route
from .service import ROUTES, Service

LARGEST_BODY = 8 * 1024 * 1024  # PHP's default
_Address = tuple[tuple[str, ...], Callable[[], AnyResponse]]
"""Its methods, and what answers there."""


def create_app(service: Service, credentials: Credentials, faults: Faults) -> Flask:
    """The WSGI application over one account."""
    app = Flask("smsmobile.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it
    recorder = Recorder(service.store)

    def operate(route: Route) -> Response:
        injection = g.injection = FaultInjection(faults, route.path, sends=route.sends)
        given = g.parameters = _parameters(route)
        with service.store.lock:
            injection.before()
            if _is_authorised(given, credentials, route.without_key):
                injection.before_operation()
                service.handled = ()
                try:
                    return jsonify(route.operation(service, given))
                finally:
                    g.messages = service.handled
            if route.for_wrong_key is None:
                raise invalid_apikey()
            return jsonify(route.for_wrong_key())

    def issue_token() -> Response:
        injection = g.injection = FaultInjection(faults, OAUTH2_PATH)
        g.parameters = _form()
        with service.store.lock:
            injection.before()
            response = jsonify(credentials.issue(g.parameters))
        response.headers["Cache-Control"] = "no-store"
        return response

    # A dictionary: to make a rule of Flask of each address would be half of making a sandbox.
    addresses: dict[str, _Address] = {OAUTH2_PATH: (POST, issue_token)}
    for route in ROUTES:
        addresses[route.path] = (route.methods, partial(operate, route))
        if route.path.endswith("/"):
            addresses[route.path.rstrip("/")] = (route.methods, _add_slash)

    @app.before_request
    def begin() -> AnyResponse | None:
        g.started = perf_counter()
        g.parameters = {}
        request.max_form_memory_size = LARGEST_BODY  # an attachment is a form field; Werkzeug's default is 500 kB
        if is_page(request.path):
            return None
        g.parameters = _query_and_form()
        if request.path not in addresses:
            raise NotFound
        methods, view = addresses[request.path]
        if request.method not in methods:
            raise MethodNotAllowed(methods, f"Use {' or '.join(methods)}.")
        return view()

    @app.after_request
    def note(response: Response) -> Response:
        return response if is_page(request.path) else _note(recorder, response, service.store.now())

    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StorageError, _not_stored)
    return app


def _note(recorder: Recorder, response: Response, now: datetime) -> Response:
    """Date the answer by the service's clock, let a fault change it, and record both."""
    response.date = now
    injection: FaultInjection | None = g.get("injection")
    try:
        if injection is not None:
            response = injection.after(response)
        recorder.note(
            request,
            g.parameters,
            started=g.started - (injection.seconds if injection else 0),
            status=None if injection and injection.is_reset else response.status_code,
            answer=response.get_data(as_text=True),
            faults=injection.injected if injection else (),
            messages=g.get("messages", ()),
        )
    except StorageError as error:
        return _not_stored(error)
    return response


def _parameters(route: Route) -> Parameters:
    """The query, and on a POST the form or the JSON, which wins."""
    given = _query_and_form()
    if request.method == "POST" and route.takes_json and isinstance(body := _json(), dict):
        # Half an emoji, which JSON can spell and nothing else can carry, becomes a question mark.
        texts = {name: str(value) for name, value in body.items() if isinstance(value, str | int)}
        given.update({name: text.encode("utf-8", "replace").decode() for name, text in texts.items()})
    return given


def _json() -> object:
    """The body; None where it is no JSON that can be read."""
    try:
        return request.get_json(silent=True)
    except RecursionError:  # for Werkzeug an error of the program
        return None


def _query_and_form() -> dict[str, str]:
    """As in PHP the last of two equal names counts."""
    given = dict(request.args.items(multi=True))
    if request.method == "POST":
        given.update(_form())
    return given


def _form() -> dict[str, str]:
    return dict(request.form.items(multi=True))


def _is_authorised(given: Parameters, credentials: Credentials, without_key: Callable[[], Refusal]) -> bool:
    """Whether the token or else the key is right; raises where there is neither, and for a wrong token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        credentials.check_token(token.strip())
        return True
    key = given.get("apikey")
    if not key:
        raise without_key()
    return credentials.is_key(key)


def _add_slash() -> AnyResponse:
    query = request.query_string.decode("ascii", "replace")
    answer = redirect(f"{request.base_url}/" + (f"?{query}" if query else ""), 301)
    answer.set_data(b"")  # Werkzeug would repeat the address there, with the key in it
    return answer


def _refuse(refusal: Refusal) -> Response:
    response = jsonify(refusal.body)
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    return response


def _not_stored(error: StorageError) -> Response:
    text = f"The sandbox cannot use its file: {error}"
    for_page = is_page(request.path)
    return _refuse(
        Refusal(500, {"error": text} if for_page else {"success": False, "error": "server_error", "detail": text})
    )


def _http_error(error: HTTPException) -> Response:
    """Unknown address, wrong method, too large a body, a mistake in the sandbox: the bare envelope."""
    if is_page(request.path):
        return problem(error)
    if isinstance(error, InternalServerError):
        kind = type(error.original_exception).__name__
        return _refuse(Refusal(500, {"success": False, "error": "server_error", "detail": f"sandbox: {kind}"}))
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    code = error.name.lower().replace(" ", "_")
    return _refuse(Refusal(error.code or 500, {"error": code, "message": error.description}, headers))
