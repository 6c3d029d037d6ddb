"""Conversations as the phone page shows them: who is in them, in which order, and paging back through them."""

from __future__ import annotations

import os
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile.sandbox import Sandbox
from smsmobile.sandbox.numbers import peer_of

PHONE = "+33639985678"
PEER = "33639985678"


def thread(page, box, peer=PEER, **more):
    return page.get("/thread", phone=box.phone.sid, peer=peer, **more)


# What is in a thread


def test_everything_with_one_number_is_one_thread_oldest_first(page, api, box):
    api.send("+33 6 39 98 56 78", "one")
    box.phone.receive("0033639985678", "two")
    box.phone.send_by_hand(PHONE, "three")
    box.phone.call(PHONE)
    api.post("/sendsms/", recipients=PEER, message="four", waonly="yes")
    box.phone.receive("+33639985432", "somebody else")
    answer = thread(page, box)
    assert [(entry["kind"], entry["channel"], entry["text"]) for entry in answer["entries"]] == [
        ("out", "sms", "one"),
        ("in", "sms", "two"),
        ("by_hand", "sms", "three"),
        ("call", "sms", ""),
        ("out", "whatsapp", "four"),
    ]
    assert (answer["peer"], answer["name"], answer["more"]) == (PEER, PHONE, False)


def test_a_sent_message_says_when_and_through_what(page, api, box, clock):
    guid = api.send(message="hi", port=2)["id"]
    (entry,) = thread(page, box)["entries"]
    assert entry.pop("id") > 0
    at, sent_at = entry.pop("at"), entry.pop("sent_at")
    assert entry.pop("time") == sent_at
    assert at.startswith("2026-03-20T21:07:44")
    assert at.endswith("Z")
    assert sent_at >= at
    assert entry == {
        "guid": guid,
        "kind": "out",
        "channel": "sms",
        "text": "hi",
        "state": "sent",
        "reason": "",
        "due_at": None,
        "sim": 2,
        "media_url": None,
        "name": None,
        "seconds": None,
    }


def test_the_states_of_a_message(page, api, box, clock):
    soon = int(clock.now().timestamp()) + 3600
    api.send(message="scheduled", schedule_timestamp=soon)
    box.phone.delay = 60
    api.send(message="queued")
    states = {entry["text"]: entry for entry in thread(page, box)["entries"]}
    assert (states["scheduled"]["state"], states["scheduled"]["due_at"]) == ("scheduled", "2026-03-20T22:07:44.000Z")
    assert states["queued"]["state"] == "queued"
    assert states["queued"]["sent_at"] is None
    clock.forward(7200)
    assert [entry["state"] for entry in thread(page, box)["entries"]] == ["sent", "sent"]


def test_the_time_of_a_scheduled_message_is_when_it_is_due_and_then_when_it_was_sent(page, api, box, clock):
    due = int(clock.now().timestamp()) + 3600
    api.send(PHONE, "a", schedule_timestamp=due)
    api.send("+12025550102", "fails", schedule_timestamp=due)
    api.post("/sendsms/", recipients="+12025550101", message="refused", schedule_timestamp=due)

    def times():
        found = page.get("/conversations")["conversations"]
        return {one["last"]["text"]: one["last"]["time"][11:16] for one in found}

    assert times() == {"a": "22:07", "fails": "22:07", "refused": "21:07"}
    box.phone.switch_off()
    clock.forward(7200)
    assert times()["a"] == "22:07"
    box.phone.switch_on()
    assert times() == {"a": "23:07", "fails": "22:07", "refused": "21:07"}


def test_a_failure_says_why(page, api, box):
    api.send("+12025550102")
    (entry,) = thread(page, box, "+12025550102")["entries"]
    assert (entry["state"], entry["reason"]) == ("failed", "RESULT_ERROR_GENERIC_FAILURE")
    api.post("/sendsms/", recipients="+12025550101", message="x")
    (entry,) = thread(page, box, "+12025550101")["entries"]
    assert (entry["state"], entry["reason"], entry["due_at"]) == ("refused", "recipient_refused", None)


def test_a_message_that_is_sent_again_stays_one_entry(page, api, box):
    guid = api.send("+12025550105")["id"]
    box.phone.receive("+12025550105", "well?")
    api.post("/resend/", guid=guid)
    first, second = thread(page, box, "12025550105")["entries"]
    assert (first["guid"], first["state"]) == (guid, "sent")
    assert second["kind"] == "in"


def test_a_whatsapp_message_has_its_media_its_name_and_its_length(page, api, box):
    api.post("/sendsms/", recipients=PEER, message="x", waonly="yes", url_media="https://example.com/a.pdf")
    box.phone.receive_whatsapp(PEER, "said", name="Taylor", voice_seconds=2.5)
    sent, said = thread(page, box)["entries"]
    assert (sent["media_url"], sent["channel"]) == ("https://example.com/a.pdf", "whatsapp")
    assert (said["name"], said["seconds"], said["text"]) == ("Taylor", 2.5, "said")


def test_a_name_is_a_peer_as_it_is(page, box):
    box.phone.receive("MPESA", "x")
    box.phone.receive("mpesa", "y")
    assert [entry["text"] for entry in thread(page, box, "MPESA")["entries"]] == ["x"]
    assert thread(page, box, " MPESA ")["name"] == "MPESA"


def test_a_thread_with_nobody_is_empty(page, box):
    assert thread(page, box, "+44 7700 900000") == {
        "phone": box.phone.sid,
        "peer": "447700900000",
        "name": "+44 7700 900000",
        "contact": "",
        "entries": [],
        "more": False,
    }


def test_a_thread_needs_a_phone_and_a_peer(page, box):
    assert "phone" in page.refused(400, "GET", "/thread", params={"peer": PEER})
    assert "peer" in page.refused(400, "GET", "/thread", params={"phone": box.phone.sid})


def test_each_phone_has_its_own_threads(page, api, box):
    second = box.add_phone("Second")
    second.receive(PHONE, "to the second")
    api.send(message="from the second", sIdentifiant=second.sid)
    assert thread(page, box)["entries"] == []
    assert len(page.get("/thread", phone=second.sid, peer=PEER)["entries"]) == 2


def test_an_entry_that_was_deleted_is_gone(page, api, box):
    guid = api.send(message="one")["id"]
    api.send(message="two")
    api.post("/deletesms/", guid=guid)
    assert [entry["text"] for entry in thread(page, box)["entries"]] == ["two"]


def test_a_conversation_whose_last_entry_was_deleted_is_gone(page, api, box):
    api.post("/deletesms/", guid=api.send()["id"])
    assert page.get("/conversations")["conversations"] == []
    api.send(message="again")
    assert page.get("/conversations")["conversations"][0]["count"] == 1


def test_an_endless_text_is_cut_and_says_so(page, api, box):
    api.send(message="x" * 30_000)
    (entry,) = thread(page, box)["entries"]
    assert entry["text"] == "x" * 20_000 + "…"


def test_what_was_there_before_the_page_is_shown_as_well(box, page, api, tmp_path):
    with Sandbox(db=tmp_path / "sandbox.db") as before:
        before.phone.receive(PHONE, "kept")
    with Sandbox(db=tmp_path / "sandbox.db") as after:
        caller = after.app.test_client()
        (kept,) = caller.get("/_sandbox/conversations").json["conversations"]
        assert (kept["last"]["text"], kept["count"]) == ("kept", 1)
        assert caller.get("/_sandbox/phones").json["phones"][0]["unread"] == 1


# What nobody at the page was shown yet


def unseen(page):
    return {one["peer"]: one["unseen"] for one in page.get("/conversations")["conversations"]}


def see(page, box, up_to, peer=PEER):
    page.post(f"/phones/{box.phone.sid}/seen", peer=peer, up_to=up_to)


def test_entries_of_both_sides_are_unseen_until_they_were_shown(page, api, box):
    api.send(message="one")
    box.phone.receive(PHONE, "two")
    box.phone.call(PHONE)
    box.phone.receive("MPESA", "three")
    assert unseen(page) == {PEER: 3, "MPESA": 1}
    assert page.get("/phones")["phones"][0]["unseen"] == 4
    assert page.get("/phones", phone=box.phone.sid, peer=PEER)["phones"][0]["unseen"] == 1
    see(page, box, thread(page, box)["entries"][1]["id"])
    assert unseen(page) == {PEER: 1, "MPESA": 1}
    assert page.get("/phones")["phones"][0]["unseen"] == 2


def test_what_was_shown_stays_seen_and_what_comes_later_is_not(page, api, box):
    box.phone.receive(PHONE, "one")
    box.phone.receive(PHONE, "two")
    first, second = (entry["id"] for entry in thread(page, box)["entries"])
    see(page, box, second)
    see(page, box, first)
    see(page, box, second + 1000)  # more than there is
    assert unseen(page) == {PEER: 0}
    box.phone.receive(PHONE, "three")
    assert unseen(page) == {PEER: 1}


def test_what_is_forgotten_is_not_unseen(page, api, box):
    guid = api.send()["id"]
    box.phone.receive("MPESA", "one")
    api.post("/deletesms/", guid=guid)
    see(page, box, 1)
    assert page.get("/phones")["phones"][0]["unseen"] == 1
    box.reset()
    assert page.get("/phones")["phones"][0]["unseen"] == 0
    box.phone.receive("MPESA", "two")
    assert unseen(page) == {"MPESA": 1}


# The conversations


def test_the_conversation_with_the_newest_entry_comes_first(page, api, box):
    box.phone.receive("+33639981111", "one")
    box.phone.receive("+33639982222", "two")
    box.phone.receive("+33639981111", "three")
    first, second = page.get("/conversations", phone=box.phone.sid)["conversations"]
    assert (first["peer"], first["count"], first["last"]["text"]) == ("33639981111", 2, "three")
    assert (second["peer"], second["count"], second["last"]["text"]) == ("33639982222", 1, "two")
    assert first["phone"] == box.phone.sid


def name_of(page):
    (conversation,) = page.get("/conversations")["conversations"]
    return conversation["name"]


@pytest.mark.parametrize("international", ["+33639985678", "0033639985678", "+33 6 39 98 56 78", "(+33) 639985678"])
def test_a_number_has_its_international_spelling_as_soon_as_one_message_tells_it(page, api, box, international):
    box.phone.receive(PEER, "x")
    assert name_of(page) == PEER
    guid = box.phone.receive(international, "x")
    box.phone.call(PEER)
    assert name_of(page) == PHONE
    api.post("/deletesms/", guid=guid)
    assert name_of(page) == PEER


def test_a_number_on_whatsapp_is_international_without_a_plus(page, api, box):
    box.phone.receive_whatsapp(PEER, "x")
    assert name_of(page) == PHONE


def test_a_conversation_has_the_newest_name_of_its_contact(page, api, box):
    api.send(PEER, "nobody is named here")
    assert page.get("/conversations")["conversations"][0]["contact"] == ""
    box.phone.call(PHONE, "Taylor")
    box.phone.receive_whatsapp(PEER, "one", name="Taylor Smith")
    guid = box.phone.receive(PHONE, "two")
    assert page.get("/conversations")["conversations"][0]["contact"] == "Taylor Smith"
    assert (thread(page, box)["name"], thread(page, box)["contact"]) == (PHONE, "Taylor Smith")
    assert page.get(f"/entries/{guid}")["contact"] == "Taylor Smith"


def test_a_conversation_with_a_name_or_a_short_number_is_called_as_it_is_spelled(page, box):
    for sender in ("38000", "MPESA", "+MPESA", "0639985678"):
        box.phone.receive(sender, "x")
    names = [one["name"] for one in page.get("/conversations")["conversations"]]
    assert names == ["0639985678", "+MPESA", "MPESA", "38000"]


def test_an_answer_is_spelled_as_its_channel_spells_numbers(page, api, box):
    api.send(PHONE, "by SMS")
    api.post("/sendsms/", recipients=PEER, message="by WhatsApp", waonly="yes")
    name = thread(page, box)["name"]
    for channel in ("sms", "whatsapp"):
        page.post(f"/phones/{box.phone.sid}/messages", sender=name, text=channel, channel=channel)
    senders = {row.channel: row.sender for row in box._store.received}
    assert senders == {"sms": PHONE, "whatsapp": PEER}


def notify(api, box, message="It is ready.", **more):
    return api.post("/notification/send", sid=box.phone.sid, message=message, **more)


def mail(api, box, **more):
    given = {"recipient_email": "you@example.com", "mail_subject": "Order", "mail_body": "It is ready.", **more}
    sender = {"sender_name": "Team", "sender_email": "team@example.org", "allow_self_signed": "no"}
    return api.post("/sendemail/", apikeybox=box.mailbox.key, **sender, **given)


def test_what_was_pushed_to_a_phone_is_one_conversation(page, api, box):
    box.phone.switch_off()
    notify(api, box, title="Order 1042")
    (row,) = page.get("/conversations", phone=box.phone.sid)["conversations"]
    assert (row["name"], row["phone"], row["unseen"]) == ("Notifications", box.phone.sid, 1)
    answer = thread(page, box, row["peer"])
    (entry,) = answer["entries"]
    assert answer["name"] == "Notifications"
    assert (entry["title"], entry["text"], entry["state"]) == ("Order 1042", "It is ready.", "queued")
    box.phone.switch_on()
    assert thread(page, box, row["peer"])["entries"][0]["state"] == "sent"
    assert page.get("/conversations", phone=box.add_phone("Second").sid)["conversations"] == []


@pytest.mark.parametrize("place", [" notifications", " mailbox"])
def test_a_place_is_cleared_like_a_conversation(page, api, box, place):
    notify(api, box)
    box.mailbox.receive("you@example.com", "Re: Order", "Thanks")
    page.delete(f"/thread?phone={box.phone.sid}&peer={place.replace(' ', '%20')}")
    peers = {row["peer"] for row in page.get("/conversations")["conversations"]}
    assert peers == {" notifications", " mailbox"} - {place}


def test_the_mailbox_is_a_conversation_of_every_phone_and_counted_with_none(page, api, box):
    mail(api, box)
    box.mailbox.receive("you@example.com", "Re: Order", "Thanks", sender_name="You", attachments=["photo.jpg"])
    second = box.add_phone("Second")
    for phone in (box.phone, second):
        (row,) = page.get("/conversations", phone=phone.sid)["conversations"]
        assert (row["name"], row["phone"], row["unseen"]) == ("E-mail", None, 2)
        sent, received = page.get("/thread", phone=phone.sid, peer=row["peer"])["entries"]
        assert (sent["state"], sent["correspondent"], sent["title"]) == ("sent", "you@example.com", "Order")
        assert (received["state"], received["correspondent"]) == ("received", "You <you@example.com>")
        assert received["attachments"] == ["photo.jpg"]
    assert [one["unseen"] for one in page.get("/phones", phone=second.sid, peer=row["peer"])["phones"]] == [0, 0]
    see(page, box, received["id"], row["peer"])
    (row,) = page.get("/conversations", phone=second.sid)["conversations"]
    assert row["unseen"] == 0


def test_a_sender_who_is_called_like_a_place_has_a_conversation_beside_it(page, api, box):
    notify(api, box)
    box.phone.receive(" notifications", "from somebody")
    assert [one["count"] for one in page.get("/conversations")["conversations"]] == [1, 1]


@pytest.mark.parametrize("words", ["1042", "ready for", "You@example"])
def test_a_search_finds_notifications_and_mails(page, api, box, words):
    notify(api, box, title="Parcel 1042", message="Ready for pickup") if words != "You@example" else mail(api, box)
    (row,) = page.get("/conversations", search=words)["conversations"]
    assert row["found"]["excerpt"][1].lower() == words.lower()


def test_conversations_of_all_phones_or_of_one(page, box):
    second = box.add_phone("Second")
    box.phone.receive("A", "1")
    second.receive("B", "2")
    box.phone.receive("C", "3")
    assert [one["name"] for one in page.get("/conversations")["conversations"]] == ["C", "B", "A"]
    assert [one["name"] for one in page.get("/conversations", phone=second.sid)["conversations"]] == ["B"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("the key", ("Leave ", "the key", " with Élodie?")),
        ("THE KEY", ("Leave ", "the key", " with Élodie?")),
        ("elodie", ("…he key with ", "Élodie", "?")),
        ("ÉLODIE", ("…he key with ", "Élodie", "?")),
        ("strasse", ("In the ", "Straße", ".")),
        ("by hand", ("written ", "by hand", "")),
        ("gone", None),
    ],
)
def test_a_search_finds_every_message_and_shows_where_it_says_it(page, api, box, words, found):
    api.post("/deletesms/", guid=api.send(message="gone")["id"])
    api.send(message="Leave the key with Élodie?")
    box.phone.receive_whatsapp(PEER, "In the Straße.")
    box.phone.send_by_hand(PHONE, "written by hand")
    box.phone.receive(PHONE, "Yes.")
    box.phone.receive("Safaricom", "You have 20.00")
    rows = page.get("/conversations", search=words)["conversations"]
    assert [tuple(row["found"]["excerpt"]) for row in rows] == ([] if found is None else [found])
    assert [row["last"]["text"] for row in rows] == ["Yes."] * len(rows)


def test_of_several_messages_a_search_shows_the_newest(page, box):
    guids = [box.phone.receive(PHONE, text) for text in ("a table at 8", "a table at 9", "Fine.")]
    (row,) = page.get("/conversations", search="table")["conversations"]
    assert row["found"]["guid"] == guids[1]


@pytest.mark.parametrize("words", ["+33639985678", "0033 6 39 98", "33639985678", "06 39 98 56 78", "(39) 98-56.78"])
def test_a_number_is_found_however_it_is_spelled(page, box, words):
    box.phone.receive("+33 6 39 98 56 78", "x")
    box.phone.receive("+447700900123", "y")
    (row,) = page.get("/conversations", search=words)["conversations"]
    assert (row["name"], row["found"]) == (PHONE, None)


def test_somebody_is_found_by_the_name_in_the_contacts(page, box):
    box.phone.call("+33639981111", name="Zoë")
    box.phone.receive_whatsapp("+33639982222", "x", name="Éloïse")
    for number in ("+33639981111", "+33639982222"):
        box.phone.receive(number, "later")
    for words, name in (("zoe", "+33639981111"), ("elois", "+33639982222")):
        (row,) = page.get("/conversations", search=words)["conversations"]
        assert (row["name"], row["found"]) == (name, None)


def test_conversations_are_searched_by_number_name_and_text(page, box):
    box.phone.receive("+33639985678", "Tomorrow at ten?")
    box.phone.receive("Safaricom", "You have 20.00")

    def found(words):
        return [one["name"] for one in page.get("/conversations", search=words)["conversations"]]

    assert found("639 98") == ["+33639985678"]
    assert found("+33 6") == ["+33639985678"]
    assert found("safari") == ["Safaricom"]
    assert found("TOMORROW") == ["+33639985678"]
    assert found("nonsense") == []
    assert found(" ") == ["Safaricom", "+33639985678"]


def test_a_search_is_paged_too(page, box):
    for number in range(6):
        box.phone.receive(f"{'even' if number % 2 == 0 else 'odd'} {number}", "x")
    answer = page.get("/conversations", search="even", limit=2)
    assert [one["name"] for one in answer["conversations"]] == ["even 4", "even 2"]
    assert answer["more"] is True
    rest = page.get("/conversations", search="even", limit=2, before=answer["conversations"][-1]["last"]["id"])
    assert ([one["name"] for one in rest["conversations"]], rest["more"]) == (["even 0"], False)


# Paging back while things go on


class Walk:
    """A sandbox without a socket, things that happen in it, and what the rows say the page should show."""

    NUMBERS = ("+33639981111", "0033639981111", "+33639982222", "+12025550102", "MPESA")

    def __init__(self):
        self.box = Sandbox()
        self.box.add_phone("Second")
        self.caller = self.box.app.test_client()
        self.store = self.box._store
        self.guids = []

    def get(self, path, **params):
        answer = self.caller.get(f"/_sandbox{path}", query_string=params)
        assert answer.status_code == 200, answer.text
        return answer.json

    def act(self, what, number, phone):
        device, other = self.box.phones[phone], self.NUMBERS[number]
        if what == "send" and other != "MPESA":
            form = {"apikey": self.box.api_key, "recipients": other, "message": "x", "sIdentifiant": device.sid}
            self.guids.append(self.caller.post("/sendsms/", data=form).json["result"]["id"])
        elif what == "receive":
            self.guids.append(device.receive(other, "x"))
        elif what == "call":
            device.call(other)
        elif what == "write":
            device.send_by_hand(other, "x")
        elif what == "delete" and self.guids:
            guid = self.guids.pop(number * 7 % len(self.guids))
            self.caller.post("/deletesms/", data={"apikey": self.box.api_key, "guid": guid})
        elif what == "delete the newest" and self.guids:
            self.caller.post("/deletesms/", data={"apikey": self.box.api_key, "guid": self.guids.pop()})
        elif what == "resend":
            for message in self.store.messages:
                self.caller.post("/resend/", data={"apikey": self.box.api_key, "guid": message.guid})

    def entries(self):
        """Ids by phone and peer, lowest first, from the rows alone."""
        found = {}
        for table in (self.store.messages, self.store.received, self.store.by_hand, self.store.calls):
            for row in table:
                number = row.sender if table is self.store.received else row.number
                found.setdefault((row.phone, peer_of(number)), []).append(row.id)
        return {where: sorted(ids) for where, ids in found.items()}


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["send", "send", "receive", "receive", "call", "write", "delete", "delete the newest", "resend"]
        ),
        st.integers(0, 4),
        st.integers(0, 1),
    ),
    max_size=25,
)
EXAMPLES = int(os.environ.get("SMSMOBILE_EXAMPLES", "20"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(start=ACTIONS, data=st.data())
def test_walking_back_through_a_thread_gives_every_entry_once_whatever_happens_meanwhile(start, data):
    walk = Walk()
    for action in start:
        walk.act(*action)
    walk.act("receive", 0, 0)
    where = (walk.box.phone.sid, "33639981111")
    at_first, seen, before, more = walk.entries()[where], [], None, True
    while more:
        limit = data.draw(st.integers(1, 4))
        params = {} if before is None else {"before": before}
        answer = walk.get("/thread", phone=where[0], peer=where[1], limit=limit, **params)
        there_are = [number for number in walk.entries().get(where, []) if before is None or number < before]
        shown = [entry["id"] for entry in answer["entries"]]
        assert shown == there_are[-limit:]
        assert answer["more"] == (len(there_are) > limit)
        seen = shown + seen
        before, more = (shown[0] if shown else before), answer["more"]
        for action in data.draw(ACTIONS):
            walk.act(*action)
    assert seen == sorted(set(seen))
    assert set(seen) <= set(at_first)
    assert {number for number in walk.entries().get(where, []) if number in at_first} <= set(seen)
    walk.box.close()


@often
@given(start=ACTIONS, one_phone=st.booleans(), data=st.data())
def test_walking_through_the_conversations_gives_each_once_whatever_happens_meanwhile(start, one_phone, data):
    walk = Walk()
    for action in start:
        walk.act(*action)
    sid = walk.box.phone.sid if one_phone else None

    def conversations():
        """By the id of the newest entry, newest first."""
        found = {ids[-1]: where for where, ids in walk.entries().items() if sid in (None, where[0])}
        return dict(sorted(found.items(), reverse=True))

    untouched, seen, before, more = set(conversations().items()), [], None, True
    while more:
        untouched &= conversations().items()
        limit = data.draw(st.integers(1, 3))
        params = {name: value for name, value in (("before", before), ("phone", sid)) if value is not None}
        answer = walk.get("/conversations", limit=limit, **params)
        there_are = {last: where for last, where in conversations().items() if before is None or last < before}
        shown = {one["last"]["id"]: (one["phone"], one["peer"]) for one in answer["conversations"]}
        assert list(shown.items()) == list(islice(there_are.items(), limit))
        assert answer["more"] == (len(there_are) > limit)
        counts = walk.entries()
        assert [one["count"] for one in answer["conversations"]] == [len(counts[where]) for where in shown.values()]
        seen += shown
        before, more = (seen[-1] if seen else None), answer["more"]
        for action in data.draw(ACTIONS):
            walk.act(*action)
    assert seen == sorted(set(seen), reverse=True)
    assert {last for last, _ in untouched} <= set(seen)
    walk.box.close()


@often
@given(actions=ACTIONS)
def test_the_counts_are_those_of_the_rows_whatever_happens(actions):
    walk = Walk()
    walk.box.phone.delay = 60
    for what, number, phone in actions:
        walk.act(what, number, phone)
    store = walk.store
    for phone in walk.get("/phones")["phones"]:
        sid = phone["sid"]
        assert phone["queued"] == sum(row.is_pending for row in store.messages if row.phone == sid)
        assert phone["unread"] == sum(not row.is_read for row in store.received if row.phone == sid)
    walk.box.close()
