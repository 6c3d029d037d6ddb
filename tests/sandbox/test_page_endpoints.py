"""The JSON endpoints behind the phone page: what they show, what they do, and what they refuse."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile import __version__
from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.page import actions, destinations, faults, views

PHONE = "+33639985678"
NOW = "2026-03-20T21:07:44"
ROUTES = (*views.ROUTES, *actions.ROUTES, *destinations.ROUTES, *faults.ROUTES)
POSTS = [route for route in ROUTES if route.method == "POST"]
GETS = [route.path for route in ROUTES if route.method == "GET"]


def filled(path, box):
    return path.replace("<sid>", box.phone.sid).replace("<int:number>", "1")


# What is shown


def test_the_overview_says_where_and_how_to_call(page, box, clock):
    overview = page.get("/overview")
    assert overview["version"] == __version__
    assert overview["now"].startswith(NOW)
    assert overview["now"].endswith("Z")
    assert overview["base_url"] == box.url
    assert (overview["api_key"], overview["client_id"], overview["client_secret"]) == (
        box.api_key,
        box.client_id,
        box.client_secret,
    )
    assert overview["mailbox_key"] == box.mailbox.key
    assert overview["subscription_active"] is True
    assert overview["log_delay"] == 0
    assert overview["token_lifetime"] == 3600


def test_the_overview_tells_of_the_whatsapp_window(page, api):
    def told():
        overview = page.get("/overview")
        return overview["whatsapp_retrieval"], overview["whatsapp_window_ends_at"]

    assert told() == (False, None)
    api.get("/getwa/active/", statut=1)
    ends_at = api.get("/getwa/synchronisation/").json()["expire_at_unix"]
    is_on, told_end = told()
    assert is_on
    assert int(datetime.fromisoformat(told_end.replace("Z", "+00:00")).timestamp()) == int(ends_at)


def test_the_overview_counts(page, api, box):
    api.send()
    api.send(schedule_timestamp=2_000_000_000)
    box.phone.receive(PHONE, "yes")
    assert page.get("/overview")["counts"] == {
        "messages": 2,
        "queued": 1,
        "received": 1,
        "requests": 2,
        "deliveries": 0,
    }


def test_the_overview_lists_magic_recipients_faults_and_events(page):
    overview = page.get("/overview")
    assert {"number": "+12025550101", "description": "refused by the API"} in overview["magic_recipients"]
    kinds = {kind["kind"]: kind for kind in overview["fault_kinds"]}
    assert kinds["latency"] == {
        "kind": "latency",
        "title": "Latency",
        "description": kinds["latency"]["description"],
        "group": "request",
        "seconds": 2.0,
        "status": None,
    }
    assert kinds["webhook_late"]["group"] == "webhook"
    assert "whatsapp.voice.transcribed" in overview["event_types"]


def test_a_phone_shows_what_waits_for_it_and_what_is_unread(page, api, box):
    box.phone.delay = 60
    api.send()
    box.phone.receive(PHONE, "one")
    assert page.get("/phones")["phones"] == [
        {
            "sid": box.phone.sid,
            "label": "Phone 1",
            "is_on": True,
            "battery": 80,
            "delay": 60.0,
            "queued": 1,
            "unread": 1,
            "unseen": 2,
        }
    ]
    api.inbox()
    box.clock.forward(60)
    phone = page.get("/phones")["phones"][0]
    assert (phone["queued"], phone["unread"]) == (0, 0)


def test_deleting_what_waits_or_is_unread_counts(page, api, box):
    box.phone.delay = 60
    api.post("/deletesms/", guid=api.send()["id"])
    api.post("/deletesms/", guid=box.phone.receive(PHONE, "one"))
    phone = page.get("/phones")["phones"][0]
    assert (phone["queued"], phone["unread"]) == (0, 0)


def test_the_schedule_begins_with_what_is_due_next(page, api, box, clock):
    start = int(clock.now().timestamp())
    box.phone.delay = 30
    api.send(message="due already, and waiting")
    later = api.send("+33 6 39 98 56 78", "later", schedule_timestamp=start + 7200)["id"]
    sooner = api.send(message="sooner", schedule_timestamp=start + 3600)["id"]
    first, second = page.get("/scheduled")["messages"]
    assert (first["guid"], second["guid"]) == (sooner, later)
    assert second["due_at"] == "2026-03-20T23:07:44.000Z"
    assert second["state"] == "scheduled"
    assert (second["phone"], second["peer"], second["number"]) == (
        box.phone.sid,
        "33639985678",
        "+33639985678",
    )
    clock.forward(5000)
    assert [row["guid"] for row in page.get("/scheduled")["messages"]] == [later]


def test_requests_are_shown_with_their_secrets_masked_newest_first(page, api, box):
    api.send(message="first")
    api.get("/log/sent/sms/", apikey="wrong")
    newest, older = page.get("/requests")["requests"]
    assert (newest["path"], newest["status"], newest["auth"]) == ("/log/sent/sms/", 403, "key")
    assert older["parameters"] == {"apikey": "***", "recipients": PHONE, "message": "first"}
    assert older["method"] == "POST"
    assert json.loads(older["answer"])["result"]["sent"] == "1"
    assert older["faults"] == []
    assert older["milliseconds"] > 0
    assert box.api_key not in page.ask("GET", "/requests").text


def test_lists_are_paged_by_id(page, api):
    for number in range(5):
        api.send(message=str(number))
    seen = []
    answer = page.get("/requests", limit=2)
    while True:
        seen += [row["parameters"]["message"] for row in answer["requests"]]
        if not answer["more"]:
            break
        answer = page.get("/requests", limit=2, before=answer["requests"][-1]["id"])
    assert seen == ["4", "3", "2", "1", "0"]


def test_requests_that_are_forgotten_are_not_shown(page, api, box):
    api.send()
    box._store.requests.clear()
    assert page.get("/requests") == {"requests": [], "more": False, "paths": []}


def test_requests_are_filtered_by_outcome_path_and_words(page, api, box):
    api.send(message="À bientôt")
    box.phone.switch_off()
    api.post("/sendsms/", recipients=PHONE, message="offline")
    api.get("/log/sent/sms/", apikey="wrong")

    def found(**filters):
        answer = page.get("/requests", **filters)
        assert answer["paths"] == ["/log/sent/sms/", "/sendsms/"]
        return [row["parameters"].get("message", row["path"]) for row in answer["requests"]]

    assert found(failed=1) == ["/log/sent/sms/", "offline"]
    assert found(path="/sendsms/") == ["offline", "À bientôt"]
    assert found(path="/sendsms/", failed=1) == ["offline"]
    assert found(search="a BIENTOT") == ["À bientôt"]
    assert found(search="invalid_apikey") == ["/log/sent/sms/"]
    assert found(search="not connected") == ["offline"]
    assert found(search="nothing like it") == []
    assert page.get("/requests", path="/sendsms/", limit=1)["more"] is True


def test_a_delivery_is_shown_with_every_try(page, box, receiver):
    receiver.statuses, receiver.answer = [500], b"as you like"
    box.add_webhook(receiver.url, secret="a secret for tests")
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    (delivery,) = page.get("/deliveries")["deliveries"]
    assert delivery["url"] == receiver.url
    assert delivery["event_type"] == "sms.received"
    assert delivery["state"] == "delivered"
    assert delivery["due_at"] is None
    assert delivery["body"].encode() == receiver.requests[0].body
    assert json.loads(delivery["body"])["id"] == delivery["event_id"]
    assert [(attempt["status"], attempt["error"]) for attempt in delivery["tries"]] == [(500, None), (202, None)]
    assert all(attempt["milliseconds"] > 0 and attempt["at"].endswith("Z") for attempt in delivery["tries"])
    assert [attempt["answer"] for attempt in delivery["tries"]] == ["as you like", "as you like"]
    for attempt, request in zip(delivery["tries"], receiver.requests, strict=True):
        assert attempt["headers"].items() <= request.headers.items()
        assert attempt["headers"]["X-SMSMobileAPI-Signature"].startswith("v1=")


# What is done


def test_the_other_person_writes(page, api, box):
    guid = page.post(f"/phones/{box.phone.sid}/messages", sender="MPESA", text="<script>alert(1)</script> é 😀")["guid"]
    (row,) = api.inbox()
    assert (row["guid"], row["number"], row["message"]) == (guid, "MPESA", "<script>alert(1)</script> é 😀")


def test_the_other_person_writes_by_whatsapp(page, box):
    page.post(f"/phones/{box.phone.sid}/messages", sender="33639985678", text="hello", channel="whatsapp")
    (entry,) = page.get("/thread", phone=box.phone.sid, peer=PHONE)["entries"]
    assert (entry["kind"], entry["channel"], entry["text"]) == ("in", "whatsapp", "hello")


def test_somebody_calls(page, api, box):
    body = {"number": PHONE, "name": "Taylor", "seconds": 12}
    guid = page.post(f"/phones/{box.phone.sid}/calls", **body)["guid"]
    page.post(f"/phones/{box.phone.sid}/calls", number=PHONE, kind="incoming", seconds=60)
    incoming, missed = page.get("/thread", phone=box.phone.sid, peer=PHONE)["entries"][::-1]
    assert (missed["guid"], missed["kind"], missed["state"]) == (guid, "call", "missed")
    assert (missed["name"], missed["seconds"]) == ("Taylor", 12)
    assert (incoming["state"], incoming["name"], incoming["seconds"]) == ("incoming", None, 60)
    assert len(api.get("/call/missed/list/").json()["data"]) == 1


def test_the_owner_writes_by_hand(page, api, box):
    guid = page.post(f"/phones/{box.phone.sid}/sent", recipient=PHONE, text="by hand")["guid"]
    assert guid in api.get("/log/sent/frommobile/").text
    (entry,) = page.get("/thread", phone=box.phone.sid, peer=PHONE)["entries"]
    assert (entry["kind"], entry["state"], entry["text"]) == ("by_hand", "sent", "by hand")


def test_what_is_made_is_answered_with_201(page, box):
    path = f"/phones/{box.phone.sid}/sent"
    assert page.ask("POST", path, json={"recipient": PHONE, "text": ""}).status_code == 201
    assert page.ask("POST", "/phones", json={"label": "Second"}).status_code == 201
    assert page.ask("POST", "/faults", json={"kind": "latency"}).status_code == 201


def test_a_phone_is_added_and_listed_after_the_first(page, box):
    phone = page.post("/phones", label="Second 📱")
    assert phone["sid"] == box.phones[1].sid
    assert [one["label"] for one in page.get("/phones")["phones"]] == ["Phone 1", "Second 📱"]


def test_a_phone_is_switched_off_and_on(page, api, box):
    path = f"/phones/{box.phone.sid}"
    assert page.post(path, is_on=False)["is_on"] is False
    assert api.post("/sendsms/", recipients=PHONE, message="x").json()["result"]["sent"] == "no"
    assert page.post(path, is_on=True)["is_on"] is True
    api.send()


def test_a_phone_is_renamed_and_removed(page, api, box):
    office = page.post("/phones", label="Office")
    path = f"/phones/{office['sid']}"
    assert page.post(path, label="Home")["label"] == "Home"
    page.delete(path)
    assert [one["label"] for one in page.get("/phones")["phones"]] == ["Phone 1"]
    page.refused(404, "DELETE", path)
    assert "last phone" in page.refused(409, "DELETE", f"/phones/{box.phone.sid}")


def test_a_conversation_is_cleared_and_no_other(page, api, box, clock):
    other = box.add_phone("Office")
    box.phone.delay = 60
    guid = api.send("0033639985678", "never sent")["id"]
    box.phone.receive(PHONE, "yes")
    box.phone.send_by_hand(PHONE, "by hand")
    box.phone.call(PHONE)
    box.phone.receive("MPESA", "another one")
    other.receive(PHONE, "on another phone")
    page.post(f"/phones/{box.phone.sid}/seen", peer="33639985678", up_to=1000)

    page.delete(f"/thread?phone={box.phone.sid}&peer=%2B33 6 39 98 56 78")
    clock.forward(60)

    texts = [row["last"]["text"] for row in page.get("/conversations")["conversations"]]
    assert texts == ["on another phone", "another one"]
    assert page.get("/thread", phone=box.phone.sid, peer=PHONE)["entries"] == []
    assert [row["message"] for row in api.inbox()] == ["on another phone", "another one"]
    assert (api.log(), box.phone.outbox, len(box._store.seen)) == ([], [], 0)
    page.refused(404, "GET", f"/entries/{guid}")
    page.refused(404, "DELETE", f"/thread?phone=nobody&peer={PHONE}")


def test_a_cleared_conversation_begins_anew(page, box):
    box.phone.receive(PHONE, "before")
    page.delete(f"/thread?phone={box.phone.sid}&peer={PHONE}")
    box.phone.receive(PHONE, "after")
    (one,) = page.get("/conversations")["conversations"]
    assert (one["count"], one["unseen"], one["last"]["text"]) == (1, 1, "after")


def test_deliveries_of_a_cleared_conversation_stay_and_are_sent_again(page, box, receiver):
    box.add_webhook(receiver.url, secret="whsec")
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    page.delete(f"/thread?phone={box.phone.sid}&peer={PHONE}")
    (delivery,) = page.get("/deliveries")["deliveries"]
    page.post(f"/deliveries/{delivery['id']}/again")
    box.wait_for_deliveries()
    assert len(receiver.requests) == 2


def test_the_log_of_requests_is_cleared(page, api, box):
    guid = api.send()["id"]
    page.delete("/requests")
    assert page.get("/requests") == {"requests": [], "more": False, "paths": []}
    assert page.get(f"/entries/{guid}")["requests"] == []
    assert (page.get("/overview")["counts"]["requests"], box.requests) == (0, [])
    api.send()
    assert len(box.requests) == 1


def test_what_is_left_out_of_a_change_stays(page, box):
    path = f"/phones/{box.phone.sid}"
    page.post(path, battery=5, delay=1.5)
    page.post(path, is_on=False)
    phone = page.post(path)
    assert (phone["is_on"], phone["battery"], phone["delay"]) == (False, 5, 1.5)


def test_the_account_is_changed_field_by_field(page, box):
    assert page.post("/account", subscription_active=False) == {
        "subscription_active": False,
        "log_delay": 0.0,
        "token_lifetime": 3600,
    }
    page.post("/account", log_delay=2.5, token_lifetime=None)
    assert (box.subscription_active, box.log_delay, box.token_lifetime) == (False, 2.5, None)
    assert page.post("/account")["log_delay"] == 2.5


def test_tokens_are_revoked(page, api):
    token = api.token().json()["access_token"]
    assert api.with_token(token).status_code == 200
    page.post("/account/revoke-tokens")
    assert api.with_token(token).status_code == 401


def test_what_takes_nothing_needs_no_body_either(page):
    assert page.ask("POST", "/account/revoke-tokens").status_code == 200
    assert page.ask("POST", "/account/revoke-tokens", headers={"Content-Type": "application/json"}).status_code == 200


def test_the_clock_is_moved_and_reset(page, api, box, clock):
    api.send(schedule_timestamp=int(clock.now().timestamp()) + 3600)
    assert page.post("/clock", forward=3600)["now"].startswith("2026-03-20T22:07:44.")
    assert len(box.phone.outbox) == 1
    assert page.post("/clock", move_to="2030-01-01T01:00:00+01:00")["now"].startswith("2030-01-01T00:00:00.")
    page.post("/clock", reset=True)
    assert box.clock.now().year != 2030


def test_a_reset_leaves_nothing_but_the_credentials(page, api, box):
    key = box.api_key
    api.send()
    box.phone.receive(PHONE, "yes")
    page.post("/faults", kind="latency", seconds=0)
    assert page.post("/reset") == {}
    assert page.get("/overview")["counts"] == dict.fromkeys(
        ("messages", "queued", "received", "requests", "deliveries"), 0
    )
    assert page.get("/conversations") == {"conversations": [], "more": False}
    assert page.get("/faults") == {"faults": []}
    assert box.api_key == key
    api.send()


# Faults and webhooks


def test_a_fault_is_switched_on_injected_and_is_gone(page, api):
    fault = page.post("/faults", kind="error_before", times=1, status=503, path="/sendsms/")
    assert fault == {
        "id": fault["id"],
        "kind": "error_before",
        "title": "503 before processing",
        "times": 1,
        "probability": 1.0,
        "seed": None,
        "path": "/sendsms/",
        "seconds": 0.0,
        "status": 503,
        "matched": 0,
        "injected": 0,
    }
    assert page.get("/faults")["faults"] == [fault]
    assert api.post("/sendsms/", recipients=PHONE, message="x").status_code == 503
    assert page.get("/faults")["faults"] == []
    assert page.get("/requests")["requests"][0]["faults"] == ["error_before"]


def test_a_fault_that_is_switched_on_twice_is_one(page, box):
    first = page.ask("PUT", "/faults", json={"kind": "latency", "seconds": 0.1, "times": 3}).json()
    assert page.ask("PUT", "/faults", json={"kind": "latency", "seconds": 0.2}).json() == first
    assert [(fault.kind, fault.seconds) for fault in box.faults] == [("latency", 0.1)]
    assert page.ask("PUT", "/faults", json={"kind": "rate_limited"}).status_code == 200
    assert len(box.faults) == 2
    assert "gremlins" in page.refused(400, "PUT", "/faults", json={"kind": "gremlins"})


def test_a_fault_is_changed_and_stays_the_same_one(page, api):
    fault = page.post("/faults", kind="error_before", status=503, path="/getsms/")
    api.get("/getsms/")

    changed = page.post(f"/faults/{fault['id']}", times=4, status=502)

    assert changed == {
        **fault,
        "title": "502 before processing",
        "times": 4,
        "status": 502,
        "matched": 1,
        "injected": 1,
    }
    assert page.get("/faults")["faults"] == [changed]


def test_a_fault_is_as_it_was_after_a_change_that_cannot_be(page):
    fault = page.post("/faults", kind="latency", times=3)
    path = f"/faults/{fault['id']}"
    assert "'probability'" in page.refused(400, "POST", path, json={"probability": 11})
    assert "'kind'" in page.refused(400, "POST", path, json={"kind": "no_guid"})
    assert "leave status out" in page.refused(400, "POST", path, json={"status": 503, "times": 9})
    assert "It has: /sendsms/" in page.refused(400, "POST", path, json={"path": "/nowhere/", "times": 9})
    assert page.get("/faults")["faults"] == [fault]


def test_the_overview_lists_the_paths_that_a_fault_can_have(page):
    paths = page.get("/overview")["fault_paths"]
    assert {"/sendsms/", "/getsms/", "/oauth2/token"} <= set(paths)
    for path in paths:
        assert page.post("/faults", kind="latency", path=path)["path"] == path


def test_faults_are_switched_off_one_by_one_or_all(page):
    first = page.post("/faults", kind="latency")
    page.post("/faults", kind="html_page")
    page.post("/faults", kind="php_warning")
    page.delete(f"/faults/{first['id']}")
    assert [fault["kind"] for fault in page.get("/faults")["faults"]] == ["html_page", "php_warning"]
    page.delete("/faults")
    assert page.get("/faults")["faults"] == []


def test_a_fault_that_cannot_be_is_explained(page):
    assert "There is no fault 'nonsense'" in page.refused(400, "POST", "/faults", json={"kind": "nonsense"})
    page.refused(400, "POST", "/faults", json={"kind": "latency", "times": 0})
    page.refused(400, "POST", "/faults", json={"kind": "latency", "probability": 1.5})
    page.refused(400, "POST", "/faults", json={"kind": "latency", "status": 500})
    assert page.get("/faults")["faults"] == []


def test_a_webhook_is_added_and_delivers(page, box, receiver):
    added = page.post("/webhooks", url=receiver.url, secret="a secret for tests", types=["sms.received"])
    assert added == {
        "id": added["id"],
        "url": receiver.url,
        "version": 2,
        "types": ["sms.received"],
        "signed": True,
        "rotating": False,
        "failures": 0,
        "paused_until": None,
    }
    assert page.get("/webhooks")["destinations"] == [added]
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    assert len(receiver.requests) == 1


def test_a_webhook_is_removed(page, box, receiver):
    added = page.post("/webhooks", url=receiver.url, version=1)
    assert (added["signed"], added["types"]) == (False, None)
    page.delete(f"/webhooks/{added['id']}")
    assert page.get("/webhooks")["destinations"] == []
    page.refused(404, "DELETE", f"/webhooks/{added['id']}")


def test_a_secret_is_rotated_and_shown_to_nobody(page, box, receiver):
    path = f"/webhooks/{page.post('/webhooks', url=receiver.url, secret='the first secret')['id']}"
    assert page.post(f"{path}/rotate", next_secret="the second secret")["rotating"] is True
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    assert "X-SMSMobileAPI-Signature-Next" in receiver.requests[0].headers
    assert "secret" not in page.ask("GET", "/webhooks").text
    assert page.post(f"{path}/finish-rotation")["rotating"] is False
    page.refused(409, "POST", f"{path}/finish-rotation", json={})


def test_what_is_not_signed_has_no_secret_to_rotate(page, receiver):
    path = f"/webhooks/{page.post('/webhooks', url=receiver.url, version=1)['id']}"
    assert "not signed" in page.refused(409, "POST", f"{path}/rotate", json={"next_secret": "x" * 16})


def test_a_pause_is_shown_and_ended(page, box, receiver):
    receiver.statuses = [500] * 50
    webhook = page.post("/webhooks", url=receiver.url, secret="a secret for tests")
    for _ in range(10):
        box.phone.receive(PHONE, "yes")
    shown_as = box.wait_for(
        lambda: next((one for one in page.get("/webhooks")["destinations"] if one["paused_until"]), None)
    )
    assert shown_as["failures"] >= 10
    assert shown_as["paused_until"].endswith("Z")
    receiver.statuses.clear()
    assert page.post(f"/webhooks/{webhook['id']}/resume")["paused_until"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://example.com/hook", "secret": "a secret for tests"},
        {"url": "http://127.0.0.1/hook"},
        {"url": "http://127.0.0.1/hook", "version": 3},
        {"url": "http://127.0.0.1/hook", "version": 1, "secret": "needless"},
        {"url": "http://127.0.0.1/hook", "secret": "a secret for tests", "types": ["sms.nonsense"]},
        {"url": "nonsense", "secret": "a secret for tests"},
    ],
)
def test_a_webhook_that_cannot_be_is_explained(page, body):
    page.refused(400, "POST", "/webhooks", json=body)
    assert page.get("/webhooks")["destinations"] == []


def test_a_delivery_is_sent_again(page, box, receiver):
    box.add_webhook(receiver.url, secret="a secret for tests")
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    (old,) = page.get("/deliveries")["deliveries"]
    again = page.post(f"/deliveries/{old['id']}/again")
    box.wait_for_deliveries()
    assert (again["event_id"], again["body"]) == (old["event_id"], old["body"])
    assert receiver.requests[0].body == receiver.requests[1].body
    assert [row["state"] for row in page.get("/deliveries")["deliveries"]] == ["delivered", "delivered"]


def test_a_test_event_goes_to_one_webhook(page, box, receiver, make_receiver):
    hook, other = box.add_webhook(receiver.url, secret="s" * 20), make_receiver()
    box.add_webhook(other.url, secret="s" * 20)
    made = page.post(f"/webhooks/{hook.id}/test", type="call.missed")
    box.wait_for_deliveries()
    assert (made["event_type"], made["state"]) == ("call.missed", "waiting")
    assert [json.loads(request.body)["id"] for request in receiver.requests] == [made["event_id"]]
    assert other.requests == []
    assert "'call.lost'" in page.refused(400, "POST", f"/webhooks/{hook.id}/test", json={"type": "call.lost"})


def test_a_delivery_to_a_webhook_that_is_gone_is_not_sent_again(page, box, receiver):
    webhook = box.add_webhook(receiver.url, secret="a secret for tests")
    box.phone.receive(PHONE, "yes")
    box.wait_for_deliveries()
    webhook.remove()
    (old,) = page.get("/deliveries")["deliveries"]
    assert "was removed" in page.refused(409, "POST", f"/deliveries/{old['id']}/again", json={})


# What is refused


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
def test_a_body_that_is_not_json_is_refused(page, box, kind):
    path = f"/phones/{box.phone.sid}/messages"
    body = b'{"sender": "MPESA", "text": "x"}'
    page.refused(415, "POST", path, data=body, headers={"Content-Type": kind})
    assert page.get("/conversations")["conversations"] == []


NO_OBJECTS = [b"[]", b"null", b"1", b'"x"', b"{", b"\xff", b'{"a":1}x', b"[" * 100_000]


@pytest.mark.parametrize(
    ("route", "body"),
    [pytest.param(route, body, id=route.path) for route, body in zip(POSTS, cycle(NO_OBJECTS), strict=False)],
)
def test_a_body_that_is_no_object_is_refused(page, box, route, body):
    box.add_webhook("http://127.0.0.1:9/", version=1)
    version = box._store.version
    page.refused(
        400, "POST", filled(route.path, box), data=body, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert box._store.version == version


def test_an_unknown_field_is_refused_by_its_name(subtests, page, box):
    for route in POSTS:
        with subtests.test(route=route):
            version = box._store.version
            assert "'labell'" in page.refused(
                400, "POST", filled(route.path, box), json={**EXAMPLES[route.path], "labell": 1}
            )
            assert box._store.version == version


EXAMPLES = {
    "/account": {"log_delay": 1},
    "/account/revoke-tokens": {},
    "/phones": {"label": "x"},
    "/phones/<sid>": {"battery": 1},
    "/phones/<sid>/messages": {"sender": "x", "text": "x"},
    "/phones/<sid>/calls": {"number": "1"},
    "/phones/<sid>/sent": {"recipient": "1", "text": "x"},
    "/phones/<sid>/seen": {"peer": "x", "up_to": 1},
    "/clock": {"forward": 1},
    "/reset": {},
    "/webhooks": {"url": "http://127.0.0.1:9/", "version": 1},
    "/webhooks/<int:number>/resume": {},
    "/webhooks/<int:number>/rotate": {"next_secret": "x"},
    "/webhooks/<int:number>/finish-rotation": {},
    "/webhooks/<int:number>/test": {"type": "sms.received"},
    "/deliveries/<int:number>/again": {},
    "/faults": {"kind": "latency"},
    "/faults/<int:number>": {"times": 1},
}


def test_a_value_that_cannot_be_is_refused_by_its_name(subtests, page, box):
    for path, body, field in [
        ("/account", '{"subscription_active": 1}', "subscription_active"),
        ("/account", '{"subscription_active": null}', "subscription_active"),
        ("/account", '{"log_delay": true}', "log_delay"),
        ("/account", '{"log_delay": -1}', "log_delay"),
        ("/account", '{"log_delay": NaN}', "log_delay"),
        ("/account", '{"log_delay": 1e999}', "log_delay"),
        ("/account", '{"log_delay": 1e300}', "log_delay"),
        ("/account", '{"token_lifetime": "3600"}', "token_lifetime"),
        ("/account", '{"token_lifetime": Infinity}', "token_lifetime"),
        ("/phones", "{}", "label"),
        ("/phones", '{"label": ""}', "label"),
        ("/phones", '{"label": " \\t"}', "label"),
        ("/phones", '{"label": "two\\nlines"}', "label"),
        ("/phones", '{"label": {"a": 1}}', "label"),
        ("/phones/<sid>", '{"battery": 101}', "battery"),
        ("/phones/<sid>", '{"battery": 5.5}', "battery"),
        ("/phones/<sid>", '{"battery": null}', "battery"),
        ("/phones/<sid>", '{"battery": 1' + "0" * 400 + "}", "battery"),
        ("/phones/<sid>", '{"delay": -0.1}', "delay"),
        ("/phones/<sid>", '{"delay": 1e12}', "delay"),
        ("/phones/<sid>", '{"is_on": "yes"}', "is_on"),
        ("/phones/<sid>/messages", '{"sender": "x"}', "text"),
        ("/phones/<sid>/messages", '{"text": "x"}', "sender"),
        ("/phones/<sid>/messages", '{"sender": "x", "text": null}', "text"),
        ("/phones/<sid>/messages", '{"sender": " ", "text": "x"}', "sender"),
        ("/phones/<sid>/messages", '{"sender": "x", "text": "x", "channel": "fax"}', "channel"),
        ("/phones/<sid>/calls", '{"number": "1", "kind": "lost"}', "kind"),
        ("/phones/<sid>/calls", '{"number": "1", "seconds": 1e3}', "seconds"),
        ("/phones/<sid>/calls", '{"number": "1", "seconds": -1}', "seconds"),
        ("/phones/<sid>/calls", '{"number": 33639985678}', "number"),
        ("/clock", '{"forward": "60"}', "forward"),
        ("/clock", '{"forward": -1}', "forward"),
        ("/clock", '{"move_to": "2026-03-20T21:00:00"}', "move_to"),
        ("/clock", '{"move_to": 0}', "move_to"),
        ("/clock", '{"reset": false}', "reset"),
        ("/webhooks", '{"url": "http://127.0.0.1:9/", "secret": "x", "types": "sms.received"}', "types"),
        ("/webhooks", '{"url": "http://127.0.0.1:9/", "secret": "x", "types": [1]}', "types.0"),
        ("/webhooks", '{"url": "http://127.0.0.1:9/", "secret": "x", "version": "2"}', "version"),
        ("/faults", '{"kind": "latency", "times": true}', "times"),
        ("/faults", '{"kind": "latency", "probability": null}', "probability"),
        ("/faults", '{"kind": "latency", "probability": NaN}', "probability"),
        ("/faults", '{"kind": "latency", "seconds": Infinity}', "seconds"),
        ("/faults", '{"kind": "latency", "seed": 1e300}', "seed"),
    ]:
        with subtests.test(path=path):
            version = box._store.version
            sentence = page.refused(
                400, "POST", filled(path, box), data=body, headers={"Content-Type": "application/json"}
            )
            assert f"'{field}'" in sentence
            assert sentence.endswith(".")
            assert box._store.version == version


@pytest.mark.parametrize("body", [{}, {"forward": 1, "reset": True}, {"forward": None}])
def test_the_clock_is_moved_in_one_way_at_a_time(page, body):
    assert "one of forward" in page.refused(400, "POST", "/clock", json=body)


def test_the_clock_cannot_leave_its_century(page, box):
    page.refused(400, "POST", "/clock", json={"move_to": "9999-12-31T23:59:59Z"})
    page.refused(400, "POST", "/clock", json={"move_to": "0001-01-01T00:00:00+14:00"})
    page.post("/clock", move_to="2099-12-31T00:00:00Z")
    page.refused(400, "POST", "/clock", json={"forward": 2 * 86_400})
    page.refused(400, "POST", "/clock", json={"forward": 1e300})
    assert box.clock.now().year == 2099


def test_half_an_emoji_is_no_text(page, box):
    headers = {"Content-Type": "application/json"}
    body = b'{"sender": "x", "text": "\\ud83d"}'
    page.refused(400, "POST", f"/phones/{box.phone.sid}/messages", data=body, headers=headers)


def test_too_long_a_text_is_refused(page, box):
    path = f"/phones/{box.phone.sid}/messages"
    page.post(path, sender="x", text="é" * 20_000)
    page.refused(400, "POST", path, json={"sender": "x", "text": "é" * 20_001})
    page.refused(400, "POST", path, json={"sender": "1" * 101, "text": ""})


def test_too_large_a_body_is_refused(page):
    page.refused(413, "POST", "/phones", data=b" " * 9_000_000, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("path", ["", "/messages", "/calls", "/sent"])
def test_an_unknown_phone_is_not_found(page, path):
    sentence = page.refused(404, "POST", f"/phones/nobody{path}", json=EXAMPLES[f"/phones/<sid>{path}"])
    assert "/_sandbox/phones" in sentence
    page.refused(404, "GET", "/conversations", params={"phone": "nobody"})
    page.refused(404, "GET", "/thread", params={"phone": "nobody", "peer": "x"})


def test_unknown_numbers_are_not_found(page):
    page.refused(404, "DELETE", "/faults/999")
    page.refused(404, "POST", "/faults/999", json={"times": 1})
    page.refused(404, "DELETE", "/webhooks/999")
    page.refused(404, "POST", "/webhooks/999/resume", json={})
    page.refused(404, "POST", "/webhooks/999/rotate", json={"next_secret": "x"})
    page.refused(404, "POST", "/webhooks/999/finish-rotation", json={})
    page.refused(404, "POST", "/webhooks/999/test", json={"type": "sms.received"})
    page.refused(404, "POST", "/deliveries/999/again", json={})
    page.refused(404, "DELETE", "/faults/nonsense")
    page.refused(404, "DELETE", f"/faults/{10**30}")


def test_an_unknown_parameter_is_refused_by_its_name(subtests, page):
    for path in GETS:
        with subtests.test(path=path):
            assert "'befor'" in page.refused(400, "GET", path, params={"befor": "1"})


def test_a_limit_is_a_whole_number_up_to_200(subtests, page):
    for value in ["0", "201", "-1", "1.5", "x", "\uff11", "9" * 30]:
        with subtests.test(value=value):
            assert "from 1 to 200" in page.refused(400, "GET", "/requests", params={"limit": value})


@pytest.mark.parametrize("value", ["-1", "x", "1e3", "9" * 30])
def test_before_is_an_id(page, value):
    page.refused(400, "GET", "/deliveries", params={"before": value})


def test_a_parameter_stands_there_once(page):
    page.refused(400, "GET", "/requests", params={"limit": ["1", "2"]})


def test_an_unknown_address_and_a_wrong_method_are_errors_of_the_page(page):
    assert page.refused(404, "GET", "/nonsense") == "There is nothing at /_sandbox/nonsense."
    response = page.ask("DELETE", "/overview")
    assert (response.status_code, list(response.json())) == (405, ["error"])
    assert "GET" in response.headers["Allow"]


def test_a_mistake_in_the_sandbox_is_said_to_be_one(page, box, monkeypatch):
    monkeypatch.setattr("smsmobile.sandbox.page.views.KINDS", None)
    assert "mistake in the sandbox" in page.refused(500, "GET", "/overview")


NAMES = sorted({name for example in EXAMPLES.values() for name in example} | {"reset", "move_to", "types", "seed"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=int(os.environ.get("SMSMOBILE_EXAMPLES", "30")), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(route=st.sampled_from(POSTS), noise=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES))
def test_whatever_is_sent_to_it_an_endpoint_answers_and_the_sandbox_lives(route, noise):
    box = Sandbox()
    try:
        caller = box.app.test_client()
        path = f"/_sandbox{filled(route.path, box)}"
        response = caller.post(path, json={**EXAMPLES[route.path], **noise})
        assert response.status_code in (200, 201, 400, 404, 409), response.text
        assert isinstance(response.json, dict)
        box.clock.forward(timedelta(days=1))
        for shown_at in ("/overview", "/phones", "/conversations", "/scheduled", "/faults", "/webhooks"):
            assert caller.get(f"/_sandbox{shown_at}").status_code == 200
    finally:
        box.close()


# The page's files, and what it leaves alone


def test_what_the_page_asks_is_not_among_the_applications_requests(page, api, box):
    page.get("/overview")
    page.post("/faults", kind="error_before", times=1)
    page.ask("GET", "/nonsense")
    for path in ("/", "/_sandbox", "/_sandbox/", "/favicon.ico"):
        page.session.get(box.url + path, timeout=5)
    assert box.requests == []
    assert page.get("/faults")["faults"][0]["matched"] == 0
    api.get("/nonsense/")
    assert [request.path for request in box.requests] == ["/nonsense/"]


def test_the_page_is_html(page, box):
    response = page.session.get(box.url, timeout=5)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.content == (files("smsmobile.sandbox.page") / "static" / "index.html").read_bytes()


def test_every_file_of_the_page_is_served_with_its_type(page):
    types = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    names = [file.name for file in (files("smsmobile.sandbox.page") / "static").iterdir()]
    assert {"index.html"} <= set(names)
    for name in names:
        response = page.ask("GET", f"/static/{name}")
        assert response.status_code == 200, name
        assert response.headers["Content-Type"].partition(";")[0] == types[name.rpartition(".")[2]]


def test_a_file_is_kept_only_as_long_as_it_is_the_same(page, box, monkeypatch, tmp_path):
    response = page.session.get(box.url, timeout=5)
    assert response.headers["Cache-Control"] == "no-cache"
    known = {"If-None-Match": response.headers["ETag"]}
    again = page.session.get(box.url, headers=known, timeout=5)
    assert (again.status_code, again.content) == (304, b"")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text("the next version")
    monkeypatch.setattr("smsmobile.sandbox.page.endpoints.files", lambda _: tmp_path)
    assert page.session.get(box.url, headers=known, timeout=5).text == "the next version"


@pytest.mark.parametrize("name", ["nonsense.js", "..%2Fdesk.py", "%2e%2e/context.py", "..", "%00", "index.html/"])
def test_nothing_else_is_served_as_a_file(page, name):
    response = page.ask("GET", f"/static/{name}")
    assert response.status_code == 404
    assert "import" not in response.text


def test_head_is_answered_as_get_without_a_body(page, box):
    for path in ("/", "/_sandbox/overview", "/_sandbox/live"):
        response = page.session.head(box.url + path, timeout=5)
        assert (response.status_code, response.content) == (200, b"")


def test_what_holds_secrets_is_not_stored_by_a_browser(page):
    assert page.ask("GET", "/overview").headers["Cache-Control"] == "no-store"


def test_the_endpoints_work_without_a_socket():
    with_nobody_listening = Sandbox()
    caller = with_nobody_listening.app.test_client()
    assert caller.get("/_sandbox/overview").json["api_key"] == with_nobody_listening.api_key
    assert caller.get("/_sandbox/live").status_code == 503
    with_nobody_listening.close()
