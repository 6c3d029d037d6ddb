"""The page's addresses: joins the endpoints, serves the page's files and the live stream, and spells errors.

What the endpoints do lives in views.py, details.py, actions.py, destinations.py and faults.py. Who is kept out, and
what a browser may do with the page, lives in ../guard.py.
"""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import Map, Rule

from . import actions, destinations, details, faults, views
from .context import PageContext
from .parsing import Refused, body, check_query
from .routing import PageRoute

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/vnd.microsoft.icon",
    "woff2": "font/woff2",
}
"""By the ending. What the machine has registered for an ending is not asked: on some, a script is text."""


_ROUTES = (*views.ROUTES, *details.ROUTES, *actions.ROUTES, *destinations.ROUTES, *faults.ROUTES)


@cache
def _addresses() -> Map:
    """Made once for all sandboxes of a process, since that takes longer than all else of making one."""
    return Map(
        [
            Rule("/", endpoint="page.index", methods=["GET"]),
            Rule("/_sandbox/static/<name>", endpoint="page.static", methods=["GET"]),
            Rule("/_sandbox/live", endpoint="page.live", methods=["GET"]),
            *(
                Rule(f"/_sandbox{route.path}", endpoint=f"page.{route.method} {route.path}", methods=[route.method])
                for route in _ROUTES
            ),
        ],
        merge_slashes=False,  # its redirect would lose what was posted
    )


def add_page(app: Flask, context: PageContext) -> None:
    """Let an application answer at the page's addresses, for one sandbox."""
    page = Blueprint("page", __name__)

    def endpoint(route: PageRoute, **parts: str | int) -> tuple[Response, int]:
        check_query(route.query)
        given = () if route.body is None else (body(route.body),)
        return jsonify(route.view(context, *given, **parts)), route.status

    def live() -> Response:
        check_query(())
        headers = {"X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(mimetype="text/event-stream", headers=headers)
        # Without a socket, whoever asks is given all of an answer at once, and this one does not end.
        if not context.is_served(request) or not context.live.enter():
            raise Refused(503, "No more streams can be opened: ask GET /_sandbox/changes now and then.")
        response = Response(context.live.stream(), mimetype="text/event-stream", headers=headers)
        response.call_on_close(context.live.leave)
        return response

    @page.after_request
    def forget(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @page.errorhandler(Refused)
    def refuse(error: Refused) -> tuple[Response, int]:
        return jsonify({"error": error.sentence}), error.status

    page.register_error_handler(HTTPException, problem)
    app.register_blueprint(page)
    app.url_map = _addresses()
    app.view_functions = {
        "page.index": partial(_file, "index.html"),
        "page.static": _file,
        "page.live": live,
        **{f"page.{route.method} {route.path}": partial(endpoint, route) for route in _ROUTES},
    }


def problem(error: HTTPException) -> Response:
    """An unknown address of the page, a wrong method, too large a body, a mistake in the sandbox."""
    sentence = error.description or error.name
    if isinstance(error, NotFound):
        sentence = f"There is nothing at {request.path}."
    elif isinstance(error, MethodNotAllowed):
        sentence = f"{request.path} does not take {request.method}, but {', '.join(sorted(error.valid_methods or ()))}."
    elif isinstance(error, RequestEntityTooLarge):
        sentence = "The body is too large."
    elif isinstance(error, InternalServerError):
        sentence = f"A mistake in the sandbox: {type(error.original_exception).__name__}."
    response = jsonify({"error": sentence})
    response.status_code = error.code or 500
    response.headers.update({name: value for name, value in error.get_headers() if name == "Allow"})
    return response


def _file(name: str) -> Response:
    """A file of the page. It is asked for again each time, and by its content: an upgrade shows at once."""
    for file in (files("smsmobile.sandbox.page") / "static").iterdir():
        if file.name == name and file.is_file():
            content_type = TYPES.get(name.rpartition(".")[2])
            if content_type is not None:
                response = Response(file.read_bytes(), content_type=content_type)
                response.headers["Cache-Control"] = "no-cache"
                response.add_etag()
                return response.make_conditional(request)  # type: ignore[return-value] # it returns itself
    raise NotFound
