"""Promise 1 for random answers: cut anywhere, changed anywhere, or made of noise.

SMSMOBILE_EXAMPLES sets the number of examples for each property on each wire; `make test-long` draws many.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import SendOutcomeUnknown, SentSMS, SMSMobileError

from .raw_server import GUID, LOG, SUCCESS, TEXT, TO, RawServer, accepted, answer, close, head, reset, say_goodbye

MakeServer = Callable[..., RawServer]
Try = Callable[..., Any]

BODY = json.dumps(accepted()).encode()
FRAMED = {
    "with a length": SUCCESS,
    "chunked": head("200 OK", "Transfer-Encoding: chunked")
    + b"".join(b"%x\r\n%b\r\n" % (len(BODY[n : n + 40]), BODY[n : n + 40]) for n in range(0, len(BODY), 40))
    + b"0\r\n\r\n",
    "until the end": head("200 OK") + BODY,
    "compressed": answer(gzip.compress(BODY), "200 OK", "Content-Encoding: gzip"),
    "behind a warning": answer(b"<b>Warning</b>: no {x} in <b>/send.php</b>\n" + BODY),
    "behind a warning, until the end": head("200 OK") + b"<b>Warning</b>: no {x} in <b>/send.php</b>\n" + BODY,
}
EXAMPLES = int(os.environ.get("SMSMOBILE_EXAMPLES", "20"))
repeatedly = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@repeatedly
@given(framing=st.sampled_from(sorted(FRAMED)), end=st.sampled_from([close, reset, say_goodbye]), data=st.data())
def test_an_answer_cut_anywhere_is_a_success_only_if_all_of_it_arrived(
    raw_server: MakeServer,
    outcome_of: Try,
    pauses: list[float],
    framing: str,
    end: Callable[..., None],
    data: st.DataObject,
) -> None:
    whole = FRAMED[framing]
    cut = data.draw(st.integers(0, len(whole)) | st.integers(len(whole) - 12, len(whole)))
    with raw_server((whole[:cut], end)) as server:
        outcome = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert server.messages == 1
    assert pauses == []
    if isinstance(outcome, SentSMS):
        # The last chunk, which is empty, holds nothing of the message.
        assert cut == len(whole) or (framing == "chunked" and cut >= len(whole) - 4)
        assert outcome.guid == GUID
    else:
        assert isinstance(outcome, SendOutcomeUnknown), repr(outcome)
        # A reset may overtake what was sent before it.
        assert cut < len(whole) or end is reset


@pytest.mark.parametrize("framing", FRAMED)
def test_the_last_bytes_decide(raw_server: MakeServer, outcome_of: Try, pauses: list[float], framing: str) -> None:
    whole = FRAMED[framing]
    for missing in range(5, 9) if framing == "chunked" else range(1, 5):
        with raw_server((whole[:-missing], close)) as server:
            outcome = outcome_of(server.client().sms.send, TO, TEXT)
        assert isinstance(outcome, SendOutcomeUnknown), repr(outcome)
        assert server.messages == 1


noise = st.binary(max_size=300)


@repeatedly
@given(
    beginning=st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", head("200 OK"), head("200 OK") + b"{"]),
    noise=noise,
    end=st.sampled_from([close, reset]),
)
def test_noise_instead_of_an_answer_is_unknown(
    raw_server: MakeServer,
    outcome_of: Try,
    pauses: list[float],
    beginning: bytes,
    noise: bytes,
    end: Callable[..., None],
) -> None:
    with raw_server((beginning + noise, end)) as server:
        outcome = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert isinstance(outcome, SendOutcomeUnknown), repr(outcome)
    assert server.messages == 1


HEADERS = ["Content-Length", "Transfer-Encoding", "Content-Encoding", "Location", "Retry-After", "Set-Cookie", "Date"]


@repeatedly
@given(
    fields=st.dictionaries(
        st.sampled_from([*HEADERS, "Connection", "Content-Type"]),
        st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
        | st.sampled_from(
            ["chunked", "gzip", "gzip, deflate", "-1", "0", "1, 2", "9" * 30, "keep-alive", "a=b; max-age=x"]
        ),
    ),
    status=st.sampled_from(["200 OK", "201 Created", "302 Found", "400 Bad", "401 No", "500 Oops", "999 ?"]),
)
def test_whatever_the_headers_say_nothing_is_doubled_and_nothing_else_is_raised(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], fields: dict[str, str], status: str
) -> None:
    with raw_server((head(status, *(f"{name}: {value}" for name, value in fields.items())) + BODY, close)) as server:
        outcome = outcome_of(server.client(max_retries=3).sms.send, TO, TEXT)
    assert server.messages == 1
    assert isinstance(outcome, (SentSMS, SMSMobileError))
    assert not isinstance(outcome, SentSMS) or status.startswith(("2", "302"))


@repeatedly
@given(where=st.integers(0, len(SUCCESS) - 1), instead=st.binary(max_size=3))
def test_an_answer_changed_anywhere_is_a_success_or_an_error_of_ours(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], where: int, instead: bytes
) -> None:
    with raw_server((SUCCESS[:where] + instead + SUCCESS[where + 1 :], close)) as server:
        outcome = outcome_of(server.client(max_retries=0).sms.send, TO, TEXT)
    assert isinstance(outcome, (SentSMS, SMSMobileError))
    assert server.messages == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@repeatedly
@given(
    fields=st.dictionaries(
        st.sampled_from(["note", "datetime", "port", "send_with_whatsapp", "encrypted", "message", "trial_account"]),
        anything,
    )
)
def test_a_message_that_was_accepted_is_a_success_whatever_the_other_fields_hold(
    raw_server: MakeServer, outcome_of: Try, fields: dict[str, Any]
) -> None:
    reply = {"result": {"error": 0, "sent": "1", "id": GUID, **fields}}
    with raw_server((answer(reply),)) as server:
        outcome = outcome_of(server.client().sms.send, TO, TEXT)
    assert isinstance(outcome, SentSMS), repr(outcome)
    assert outcome.guid == GUID
    assert server.messages == 1


@repeatedly
@given(noise=noise, cut=st.integers(0, len(LOG)), end=st.sampled_from([close, reset]))
def test_noise_within_the_answer_to_a_read_is_an_error_of_ours(
    raw_server: MakeServer, outcome_of: Try, pauses: list[float], noise: bytes, cut: int, end: Callable[..., None]
) -> None:
    with raw_server((LOG[:cut] + noise, end)) as server:
        outcome = outcome_of(server.client(max_retries=1).sms.log)
    assert isinstance(outcome, (list, SMSMobileError))
    assert 1 <= len(server.requests) <= 2
