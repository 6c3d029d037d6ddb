"""Receivers as the vendor describes them, in Python with this library and in Node without it, against the sandbox."""

import json
import os
import queue
import shutil
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsmobile.webhooks import MemoryEventStore, SMSReceived, WebhookEndpoint, WebhookReceiver, sign

SECRET = "whsec_0123456789"
TIMEOUT = 10
NODE = shutil.which("node")

NODE_RECEIVER = r"""
const http = require('node:http');
const crypto = require('node:crypto');

const secrets = JSON.parse(process.env.SECRETS);
const seen = new Set();

function isSigned(request, body) {
  const timestamp = request.headers['x-smsmobileapi-timestamp'] || '';
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const given = ['x-smsmobileapi-signature', 'x-smsmobileapi-signature-next']
    .map((name) => request.headers[name]).filter(Boolean).map((value) => Buffer.from(value));
  return secrets.some((secret) => {
    const digest = crypto.createHmac('sha256', secret).update(timestamp + '.').update(body).digest('hex');
    const expected = Buffer.from('v1=' + digest);
    return given.some((one) => one.length === expected.length && crypto.timingSafeEqual(one, expected));
  });
}

function statusFor(request, body) {
  if (request.method !== 'POST') return 405;
  if (!isSigned(request, body)) return 401;
  let event;
  try {
    event = JSON.parse(body.toString('utf8'));
  } catch {
    return 400;
  }
  const keys = ['id', 'type', 'api_version', 'created_at', 'occurred_at', 'data'];
  if (!event || !keys.every((key) => key in event)) return 400;
  if (event.id !== request.headers['x-smsmobileapi-event-id']) return 400;
  if (event.id !== request.headers['idempotency-key']) return 400;
  if (event.type !== request.headers['x-smsmobileapi-event']) return 400;
  if (seen.has(event.id)) return 200;
  seen.add(event.id);
  console.log(JSON.stringify(event));
  return 202;
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.statusCode = statusFor(request, Buffer.concat(chunks));
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


class Vendorlike:
    """A running receiver: its address, and the events that it took, each once."""

    def __init__(self, url, taken):
        self.url = url
        self._taken = taken

    def next_event(self):
        return self._taken.get(timeout=TIMEOUT)

    @property
    def has_more(self):
        return not self._taken.empty()


@pytest.fixture
def in_python():
    taken = queue.Queue()
    receiver = WebhookReceiver(secrets=[SECRET, "the next secret"])
    endpoint = WebhookEndpoint(receiver, MemoryEventStore())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = endpoint.answer(self.command, body, self.headers)
            if answer.status == 202:
                taken.put(json.loads(body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.text.encode())

        def do_GET(self):
            self.do_POST()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Vendorlike(f"http://127.0.0.1:{server.server_port}/webhooks/sms", taken)
        server.shutdown()
        thread.join(TIMEOUT)


@pytest.fixture
def in_node():
    if NODE is None:
        pytest.skip("node is not installed here")
    environment = {**os.environ, "SECRETS": json.dumps([SECRET, "the next secret"])}
    lines = queue.Queue()
    with subprocess.Popen([NODE, "-e", NODE_RECEIVER], env=environment, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: [lines.put(json.loads(line)) for line in process.stdout])
        reader.start()
        try:
            yield Vendorlike(f"http://127.0.0.1:{lines.get(timeout=TIMEOUT)}/webhooks/sms", lines)
        finally:
            process.kill()
            reader.join(TIMEOUT)


@pytest.fixture(params=["python", "node"])
def vendorlike(request):
    return request.getfixturevalue(f"in_{request.param}")


def statuses(box):
    return [attempt.status for attempt in box.deliveries]


def post(url, body, secret=SECRET, age=0):
    timestamp = int(time.time()) - age
    event_id = json.loads(body).get("id", "") if body.startswith(b"{") else ""
    headers = {
        "X-SMSMobileAPI-Event": "sms.received",
        "X-SMSMobileAPI-Event-ID": event_id,
        "X-SMSMobileAPI-Delivery": str(uuid.uuid4()),
        "X-SMSMobileAPI-Timestamp": str(timestamp),
        "X-SMSMobileAPI-Signature": sign(body, secret, timestamp),
        "Idempotency-Key": event_id,
    }
    return requests.post(url, data=body, headers=headers, timeout=TIMEOUT).status_code


def test_a_new_event_is_stored(box, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    guid = box.phone.receive("MPESA", "é 😀 \u2028 <script>")
    box.wait_for_deliveries()

    event = vendorlike.next_event()
    assert statuses(box) == [202]
    assert (event["type"], event["data"]["guid"]) == ("sms.received", guid)
    assert event["data"]["message"] == "é 😀 \u2028 <script>"


def test_all_events_of_a_message_are_stored(api, box, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    api.send()
    box.wait_for_deliveries()
    assert [vendorlike.next_event()["type"] for _ in range(2)] == ["sms.api.submitted", "sms.sent"]
    assert statuses(box) == [202, 202]


def test_a_duplicate_is_acknowledged_and_not_stored(box, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    box.faults.add("webhook_duplicate", times=1)
    box.phone.receive("MPESA", "once")
    box.wait_for_deliveries()

    assert statuses(box) == [202, 200]
    vendorlike.next_event()
    assert not vendorlike.has_more


def test_what_is_sent_again_is_a_duplicate(box, page, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    box.phone.receive("MPESA", "once")
    box.wait_for_deliveries()
    (delivery,) = page.get("/deliveries")["deliveries"]
    page.post(f"/deliveries/{delivery['id']}/again")
    box.wait_for_deliveries()
    assert statuses(box) == [202, 200]


def test_a_forged_event_is_refused_until_it_is_genuine(box, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    box.faults.add("webhook_forged", times=1)
    box.phone.receive("MPESA", "x")
    box.clock.forward(10)
    box.wait_for_deliveries()
    assert statuses(box) == [401, 202]


def test_the_timestamp_is_fresh_whatever_the_time_in_the_sandbox(box, clock, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    box.phone.receive("MPESA", "x")
    box.wait_for_deliveries()
    assert statuses(box) == [202]


def test_a_receiver_that_knows_either_secret_survives_a_rotation(box, vendorlike):
    webhook = box.add_webhook(vendorlike.url, secret="a secret that this receiver has forgotten")
    box.phone.receive("MPESA", "before")
    box.clock.forward(10)
    box.wait_for_deliveries()
    webhook.rotate_secret("the next secret")
    box.phone.receive("MPESA", "meanwhile")
    box.wait_for_deliveries()
    webhook.finish_rotation()
    box.phone.receive("MPESA", "after")
    box.wait_for_deliveries()
    assert statuses(box) == [401] * 6 + [202, 202]


def test_a_receiver_tells_what_the_sandbox_posts_from_what_others_make_up(box, vendorlike):
    box.add_webhook(vendorlike.url, secret=SECRET)
    box.phone.receive("MPESA", "x")
    box.wait_for_deliveries()
    body = box.deliveries[0].body.encode()

    assert post(vendorlike.url, body) == 200
    assert post(vendorlike.url, body, age=301) == 401
    assert post(vendorlike.url, body, secret="another") == 401
    assert post(vendorlike.url, b"not json") == 400
    assert post(vendorlike.url, b'{"id": "x"}') == 400
    assert requests.get(vendorlike.url, timeout=TIMEOUT).status_code == 405


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sender=st.text(min_size=1).filter(str.strip), text=st.text())
def test_any_text_survives_being_signed_delivered_and_verified(box, receiver, sender, text):
    if not box.webhooks:
        box.add_webhook(receiver.url, secret=SECRET)
    guid = box.phone.receive(sender, text)
    box.wait_for_deliveries()

    request = receiver.requests[-1]
    event = WebhookReceiver(secrets=[SECRET]).receive(request.body, request.headers)
    assert isinstance(event, SMSReceived)
    assert event.signed
    assert (event.data.guid, event.data.sender, event.data.message) == (guid, sender, text)
