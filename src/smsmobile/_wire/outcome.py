"""What an answer means: accepted, refused or unknown. One table decides, for every endpoint.

The models of the answers live in channels/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from ..errors import SendOutcomeUnknown, UnexpectedResponse
from .endpoints import Kind
from .envelope import Answer, Unreadable, has_guid, has_too_many_values, read_answer
from .refusals import Reply, known_kind, refusal_for
from .values import UTC, read_bool, read_optional_bool


class Meaning(Enum):
    """What an answer means, and what `judge` does with it."""

    ACCEPTED = "accepted"
    """It is returned. For a read: it lists rows, or says that there are none."""
    REFUSED = "refused"
    """An APIError is raised. Nothing was sent."""
    UNKNOWN = "unknown"
    """SendOutcomeUnknown is raised. The message may have been accepted."""
    UNREADABLE = "unreadable"
    """UnexpectedResponse is raised."""


class Facts(NamedTuple):
    """What decides the meaning. Each has one of a few words."""

    kind: str
    """send (Kind.SEND and SUBMIT), action, rows or log."""
    status: str
    """ok (below 400), 4xx or 5xx."""
    code: str
    """none, known (see `known_kind`), server (`server_error`), word (any other), result_word (the same inside
    `result`), unreadable (the answer is no envelope)."""
    sent: str
    """yes, no, mixed (yes and something else), no_and_word (no and a word), word (letters), odd (anything else), guid
    (no mark, but a GUID or what stands for it), none."""
    success: str
    """yes, no, mixed or none."""
    rows: str
    """none, some, or failed (one of them says no). Of a send: rows that cannot be the message's own."""


class Rule(NamedTuple):
    """One line of the table: alternatives for each fact (`*` for any), and what they mean together."""

    kind: str
    status: str
    code: str
    sent: str
    success: str
    rows: str
    meaning: Meaning
    text: str = ""

    def fits(self, facts: Facts) -> bool:
        """Whether every fact is among the alternatives."""
        alternatives = (self.kind, self.status, self.code, self.sent, self.success, self.rows)
        return all(words == "*" or fact in words.split("|") for words, fact in zip(alternatives, facts, strict=True))


_API_ERROR = "api_error"
"""What `sent` says of a message that the API refused, even beside `"error": 0` (O)."""

_REFUSED, _UNKNOWN, _UNREADABLE, _ACCEPTED = Meaning.REFUSED, Meaning.UNKNOWN, Meaning.UNREADABLE, Meaning.ACCEPTED
_FAILED = "The service failed with HTTP {status} after it had the request."
_ACCEPTED_AND = "The service answered HTTP {status}, but also that it accepted the message."
_SERVER_ERROR = "The service failed with {code} after it had the request."
_BOTH = "The service's answer says both that it accepted the message and that it did not."
_ROWS = "The service's answer holds rows that are not the message's: {rows}."
_NOT_SENT = "The service did not accept the message."
_WORD_AND = "The service's answer says that it went well, but `sent` has an unknown word."
_NEITHER = "The service's answer says neither that it accepted the message nor that it did not."
_NO_ANSWER = "The service's answer is {body} (HTTP {status})."

# fmt: off
TABLE = (
    #    kind      status     code                         sent         success      rows      meaning
    # An error status. A 5xx may come after the message was accepted, and so may a yes beside a 4xx.
    Rule("send",   "5xx",     "*",                         "*",         "*",         "*",      _UNKNOWN, _FAILED),
    Rule("send",   "4xx",     "*",                         "yes|mixed", "*",         "*",      _UNKNOWN, _ACCEPTED_AND),
    Rule("send",   "4xx",     "*",                         "*",         "yes|mixed", "*",      _UNKNOWN, _ACCEPTED_AND),
    Rule("*",      "4xx|5xx", "*",                         "*",         "*",         "*",      _REFUSED),
    # No answer of the service.
    Rule("send",   "ok",      "unreadable",                "*",         "*",         "*",      _UNKNOWN, _NO_ANSWER),
    Rule("*",      "ok",      "unreadable",                "*",         "*",         "*",      _UNREADABLE, _NO_ANSWER),
    # An error code inside a 200 (O).
    Rule("log",    "ok",      "result_word",               "*",         "yes|none",  "none",   _ACCEPTED),
    Rule("send",   "ok",      "server",                    "*",         "*",         "*",      _UNKNOWN, _SERVER_ERROR),
    Rule("send",   "ok",      "known|word|result_word",    "yes|mixed", "*",         "*",      _UNKNOWN, _BOTH),
    Rule("send",   "ok",      "known|word|result_word",    "*",         "yes|mixed", "*",      _UNKNOWN, _BOTH),
    Rule("*",      "ok",      "known|word|result_word|server", "*",     "*",         "*",      _REFUSED),
    # No error code, but a mark that says no, or marks that contradict each other.
    Rule("send",   "ok",      "none",                      "mixed",     "*",         "*",      _UNKNOWN, _BOTH),
    Rule("send",   "ok",      "none",                      "*",         "mixed",     "*",      _UNKNOWN, _BOTH),
    Rule("send",   "ok",      "none",                      "yes",       "no",        "*",      _UNKNOWN, _BOTH),
    Rule("send",   "ok",      "none",                      "no_and_word", "yes",     "*",      _UNKNOWN, _BOTH),
    Rule("*",      "ok",      "none",                      "*",         "no|mixed",  "*",      _REFUSED),
    Rule("action", "ok",      "none",                      "mixed",     "*",         "*",      _REFUSED),
    Rule("send|action", "ok", "none",                      "no_and_word", "*",       "*",      _REFUSED),
    # Nothing says no.
    Rule("action|rows|log", "ok", "none",                  "*",         "*",         "*",      _ACCEPTED),
    # Rows of something else may come beside a plain yes; otherwise nobody knows which of them is the message's.
    Rule("send",   "ok",      "none",                      "*",         "*",         "failed", _UNKNOWN, _ROWS),
    Rule("send",   "ok",      "none",                      "no|word|odd|guid|none", "*", "some", _UNKNOWN, _ROWS),
    # `sent` decides: "0", "no" or a word such as "api_error" is a refusal, even beside "error": 0 (O).
    Rule("send",   "ok",      "none",                      "yes",       "*",         "*",      _ACCEPTED),
    Rule("send",   "ok",      "none",                      "no",        "*",         "*",      _REFUSED, _NOT_SENT),
    Rule("send",   "ok",      "none",                      "word",      "yes",       "*",      _UNKNOWN, _WORD_AND),
    Rule("send",   "ok",      "none",                      "word",      "*",         "*",      _REFUSED, _NOT_SENT),
    # Without it a GUID or a `success` is enough.
    Rule("send",   "ok",      "none",                      "guid",      "*",         "*",      _ACCEPTED),
    Rule("send",   "ok",      "none",                      "none",      "yes",       "*",      _ACCEPTED),
    Rule("send",   "ok",      "none",                      "*",         "*",         "*",      _UNKNOWN, _NEITHER),
)
# fmt: on


def judge(kind: Kind, reply: Reply, body: bytes) -> Answer:
    """The answer in a body, if it was accepted. For a send, its fields have `accepted`.

    Otherwise raises an APIError or SendOutcomeUnknown, by the table.
    """
    answer: Answer | None
    try:
        answer = read_answer(body, about_one=kind not in (Kind.ROWS, Kind.LOG))
    except Unreadable:
        answer = None
    rule = _rule_for(_facts(kind, reply.status, answer))
    if answer is not None and rule.meaning is Meaning.ACCEPTED:
        if kind.sends:
            answer.fields["accepted"] = True
        return answer
    raise _exception(rule, reply, answer, body)


@cache
def _rule_for(facts: Facts) -> Rule:
    return next(rule for rule in TABLE if rule.fits(facts))


def _exception(rule: Rule, reply: Reply, answer: Answer | None, body: bytes) -> Exception:
    code, note = (answer.code, answer.note) if answer else (None, None)
    text = rule.text.format(
        status=reply.status, code=code, rows=len(answer.found) if answer else 0, body=_describe(body)
    )
    if rule.meaning is Meaning.UNKNOWN:
        return SendOutcomeUnknown(text)
    if rule.meaning is Meaning.UNREADABLE:
        return UnexpectedResponse(text, status=reply.status)
    if text and answer:
        sent = answer.fields.get("sent")
        code = "not_accepted" if read_bool(sent) is False else str(sent).strip()
    return refusal_for(reply, code, note, text)


def _describe(body: bytes) -> str:
    if has_too_many_values(body):
        return "too large: it has too many values"
    start = body.lstrip()[:1]
    return "empty" if not start else "none of the service's envelopes" if start in b"{[" else "not JSON"


# --- the facts --------------------------------------------------------------------------------------------


def _facts(kind: Kind, status: int, answer: Answer | None) -> Facts:
    what = "send" if kind.sends else kind.value
    status_class = "ok" if status < 400 else "4xx" if status < 500 else "5xx"
    if answer is None:
        return Facts(what, status_class, "unreadable", "none", "none", "none")
    success = _agreed(answer.success)
    sent = _sent_fact(kind, answer)
    return Facts(what, status_class, _code_fact(answer), sent, success, _rows_fact(answer))


def _code_fact(answer: Answer) -> str:
    code = answer.code
    if code is None:
        return "none"
    if known_kind(code, answer.note):
        return "server" if code == "server_error" else "known"
    return "result_word" if answer.in_result else "word"


def _sent_fact(kind: Kind, answer: Answer) -> str:
    marks = answer.sent
    if not marks:
        # The answers of Kind.SUBMIT have no documented `sent`. An `error` of 0 may be all that they say.
        stands_for_it = has_guid(answer.fields) or (kind is Kind.SUBMIT and "error" in answer.fields)
        return "guid" if stands_for_it else "none"
    if True in marks:
        return "yes" if len(marks) == 1 else "mixed"
    if len(marks) == 2:
        return "no_and_word"
    word = _word(answer.fields["sent"])
    if False in marks or word == _API_ERROR:
        return "no"
    return "word" if word.replace("_", "").replace(" ", "").isalpha() else "odd"


def _agreed(marks: frozenset[bool]) -> str:
    if len(marks) == 2:
        return "mixed"
    return "none" if not marks else "yes" if True in marks else "no"


def _rows_fact(answer: Answer) -> str:
    if not answer.found:
        return "none"
    return "failed" if any(map(_says_no, answer.found)) else "some"


def _says_no(row: object) -> bool:
    """Whether a row, one of several, reports a failure."""
    if not isinstance(row, dict):
        return False
    marks = [read_optional_bool(row.get("sent")), read_optional_bool(row.get("success"))]
    return False in marks or read_bool(row.get("error")) is not False or _word(row.get("sent")) == _API_ERROR


def _word(sent: object) -> str:
    return str(sent).strip().lower()


# --- what a send adds to an unknown outcome ---------------------------------------------------------------


@contextmanager
def unknown_outcome_about(lookup: Callable[[Any], Any] | None, **attempt: Any) -> Iterator[None]:
    """Tell a SendOutcomeUnknown that is raised in the block which attempt it is about, and how to look it up."""
    attempted_at = datetime.now(UTC)
    try:
        yield
    except SendOutcomeUnknown as error:
        vars(error).update(attempt, attempted_at=attempted_at, _lookup=lookup)
        raise
