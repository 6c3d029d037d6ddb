"""What the vendor's own clients put on the wire when they send, each in its own spelling."""

import pytest

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BARE = "recipients=+33639985678&message=hé"
ENCODED = "recipients=%2B33639985678&message=h%C3%A9"

# Client: method, address, body, and the channels by which the message goes out.
REQUESTS = {
    "curl": ("POST", "/sendsms/", f"{{key}}&{BARE}", ["sms"]),
    "Python": ("GET", f"/sendsms?{{key}}&{ENCODED}&from=python&sendwa=0&sendsms=1", "", ["sms"]),
    "PHP": ("POST", "/sendsms/", f"from=composer&{{key}}&{ENCODED}&sendwa=1&sendsms=1", ["sms", "whatsapp"]),
    "PHP, not scheduled": ("POST", "/sendsms/", f"{{key}}&{ENCODED}&sendsms=1&schedule_timestamp=", ["sms"]),
    "Odoo": ("POST", f"/sendsms/?{ENCODED}&{{key}}&from=odoo&sendsms=0&sendwa=1", "", ["whatsapp"]),
    "Odoo's link": ("GET", f"/sendsms/?{BARE}&{{key}}&from=odoo", "", ["sms"]),
    "command line": ("POST", "/sendsms/", f"{BARE}&{{key}}&sendsms=1&sendwa=0&from=ssh", ["sms"]),
    "Postman": ("POST", "/sendsms/?waonly=yes", "{key}&recipients=33639985678&message=h%C3%A9", ["whatsapp"]),
    "WhatsApp's link": ("GET", f"/sendsms?{{key}}&waonly=yes&{BARE}", "", ["whatsapp"]),
}


@pytest.mark.parametrize(("method", "address", "body", "channels"), REQUESTS.values(), ids=REQUESTS)
def test_it_is_sent(api, box, method, address, body, channels):
    key = f"apikey={box.api_key}"
    answer = api.session.request(
        method, box.url + address.format(key=key), data=body.format(key=key).encode(), headers=FORM, timeout=5
    )
    assert (answer.status_code, answer.json()["result"]["sent"]) == (200, "1")
    assert [(sms.channel, sms.message) for sms in box.phone.outbox] == [(channel, "hé") for channel in channels]


@pytest.mark.parametrize("more", ["sendsms=0&sendwa=0&from=ssh", "from=odoo&sendsms=0&sendwa=0"])
def test_with_neither_channel_nothing_is_sent_and_it_does_not_look_sent(api, box, more):
    body = f"apikey={box.api_key}&{ENCODED}&{more}"
    answer = api.session.post(f"{box.url}/sendsms/", data=body, headers=FORM, timeout=5)
    assert answer.json()["result"]["sent"] != "1"
    assert box.phone.outbox == []
