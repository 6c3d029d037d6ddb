"""An account with more than one phone."""

import pytest

from smsmobile.sandbox import Sandbox

PHONE = "+33639985678"


@pytest.fixture
def office(box):
    return box.add_phone("Office")


def test_each_has_a_sid_of_its_own(box, office):
    assert box.phones == [box.phone, office]
    assert box.phone.sid != office.sid
    assert (box.phone.label, office.label) == ("Phone 1", "Office")


def test_without_a_name_the_first_one_sends(api, box, office):
    api.send()
    assert (len(box.phone.outbox), len(office.outbox)) == (1, 0)


def test_the_named_one_sends(api, box, office):
    guid = api.send(sIdentifiant=office.sid)["id"]

    assert box.phone.outbox == []
    assert [(sent.guid, sent.device) for sent in office.outbox] == [(guid, office.sid)]
    assert api.log()[0]["sIdentifiant"] == office.sid


def test_with_the_first_one_off_the_next_one_sends(api, box, office):
    box.phone.switch_off()
    assert api.send()["error"] == 0
    assert len(office.outbox) == 1


def test_a_named_phone_that_is_off_is_not_replaced(api, box, office):
    office.switch_off()
    answer = api.post("/sendsms/", recipients=PHONE, message="x", sIdentifiant=office.sid)
    assert answer.json()["result"]["error"] == 2
    assert box.phone.outbox == office.outbox == []


def test_with_all_off_nothing_is_sent(api, box, office):
    box.phone.switch_off()
    office.switch_off()
    assert api.post("/sendsms/", recipients=PHONE, message="x").json()["result"]["error"] == 2


def test_a_message_is_sent_again_by_its_own_phone(api, box, office):
    office.fail(PHONE)
    guid = api.send(sIdentifiant=office.sid)["id"]
    office.recover(PHONE)

    api.post("/resend/", guid=guid)

    assert [sent.guid for sent in office.outbox] == [guid]
    assert box.phone.outbox == []


def test_a_number_fails_on_one_phone_only(api, box, office):
    office.fail(PHONE)
    api.send()
    api.send(sIdentifiant=office.sid)
    assert (len(box.phone.outbox), len(office.outbox)) == (1, 0)


def test_a_delay_is_one_phones_own(api, box, clock, office):
    office.delay = 60
    api.send(sIdentifiant=office.sid)
    api.send()
    assert (len(box.phone.outbox), len(office.outbox)) == (1, 0)
    clock.forward(60)
    assert len(office.outbox) == 1


def test_what_waits_for_a_phone_that_is_off_is_not_taken_by_another(api, box, office):
    office.delay = 60
    api.send(sIdentifiant=office.sid)
    office.switch_off()
    office.delay = 0
    assert box.phone.outbox == office.outbox == []
    office.switch_on()
    assert len(office.outbox) == 1


def test_received_sms_by_phone(api, box, office):
    box.phone.receive("A", "for the first")
    office.receive("A", "for the office")

    assert [row["message"] for row in api.inbox(sIdentifiantPhone=office.sid)] == ["for the office"]
    assert [row["sIdentifiantPhone"] for row in api.inbox()] == [office.sid, box.phone.sid]


def test_reading_one_phones_messages_leaves_the_others_unread(api, box, office):
    box.phone.receive("A", "for the first")
    office.receive("A", "for the office")
    api.inbox(sIdentifiantPhone=office.sid)
    assert [row["message"] for row in api.inbox(onlyunread="yes")] == ["for the first"]


def test_calls_and_written_by_hand_name_their_phone(api, box, office):
    office.call("+1555")
    office.send_by_hand(PHONE, "x")
    assert api.get("/call/missed/list/").json()["data"][0]["sIdentifiantPhone"] == office.sid
    assert api.get("/log/sent/frommobile/").json()["result"]["sms"][0]["sIdentifiantPhone"] == office.sid


def test_one_phone_that_is_on_is_enough_for_a_window(api, box, office):
    box.phone.switch_off()
    api.get("/getwa/active/", statut="1")
    assert api.get("/getwa/synchronisation/").json()["error"] == "0"


def test_a_phone_gets_another_name(api, box, office):
    office.receive(PHONE, "hello")
    office.label = "Home"
    assert [phone.label for phone in box.phones] == ["Phone 1", "Home"]
    assert [row["sIdentifiantPhone"] for row in api.inbox()] == [office.sid]


def test_a_name_is_text(office):
    with pytest.raises(ValueError, match="label must be text"):
        office.label = 7


def test_a_removed_phone_is_unknown(api, box, office):
    office.remove()
    assert box.phones == [box.phone]
    assert api.post("/sendsms/", recipients=PHONE, message="x", sIdentifiant=office.sid).status_code == 400
    with pytest.raises(LookupError, match="removed"):
        office.receive(PHONE, "hello?")
    assert api.inbox() == []


def test_with_a_phone_goes_all_that_it_has(api, box, office):
    empty = {table.name: len(table) for table in box._store.tables if table is not box._store.requests}
    office.delay = 60
    api.send(sIdentifiant=office.sid)
    office.delay = 0
    api.send("+12025550104", sIdentifiant=office.sid)
    api.get("/notification/send", sid=office.sid, message="hi")
    office.receive("MPESA", "hi")
    office.send_by_hand(PHONE, "by hand")
    office.call(PHONE)

    office.remove()
    box.clock.forward(60)

    assert {name: len(getattr(box._store, name)) for name in empty} == empty | {"phones": 1}
    assert api.log() == api.inbox() == []


def test_what_another_phone_has_stays(api, box, office):
    box.phone.delay = 60
    api.send(sIdentifiant=box.phone.sid)
    box.phone.receive(PHONE, "hi")
    office.remove()
    box.clock.forward(60)
    assert [sent.recipient for sent in box.phone.outbox] == [PHONE]
    assert len(api.inbox()) == 1


def test_without_the_first_phone_the_next_one_is_the_first(api, box, office):
    box.phone.remove()
    assert box.phone == office
    api.send()
    assert len(office.outbox) == 1


def test_the_last_phone_stays(box, office):
    office.remove()
    office.remove()
    with pytest.raises(ValueError, match="add another"):
        box.phone.remove()
    assert len(box.phones) == 1


def test_names_and_removed_phones_are_kept_in_a_file(tmp_path):
    box = Sandbox(db=tmp_path / "sandbox.sqlite")
    box.add_phone("Office").receive(PHONE, "hi")
    box.add_phone("Home")
    box.phones[1].remove()
    box.phone.label = "Warehouse"
    box.close()
    again = Sandbox(db=tmp_path / "sandbox.sqlite")
    assert [phone.label for phone in again.phones] == ["Warehouse", "Home"]
    assert len(again._store.received) == 0
    again.close()


def test_many_removed_phones_take_no_room(box):
    for _ in range(20):
        box.add_phone("Another").remove()
    box.add_phone("Last")
    assert len(box._ticker.sleepers) == 2
