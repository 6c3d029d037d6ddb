"""The example shop, used as a customer and its owner use it: one command, a browser and a phone."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

pytestmark = pytest.mark.long

MANAGE = Path(__file__).parents[3] / "examples" / "django_shop" / "manage.py"
CUSTOMER = "+33639981234"
PATIENCE = 60.0
"""Seconds after which a test fails that waits for something."""


class Demo(NamedTuple):
    """What the command has printed, and a browser."""

    shop: str
    phone: str
    browser: requests.Session
    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if found := look():
                    return found
            except requests.ConnectionError:
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def get(self, path: str) -> str:
        return self.browser.get(self.shop + path, timeout=PATIENCE).text

    def post(self, path: str, **fields: Any) -> requests.Response:
        """Fill in the form of a page."""
        self.get(path)
        fields["csrfmiddlewaretoken"] = self.browser.cookies["csrftoken"]
        return self.browser.post(self.shop + path, data=fields, timeout=PATIENCE)

    def order(self, item: str, phone: str = CUSTOMER) -> requests.Response:
        return self.post("/", item=item, phone=phone)

    def texts(self) -> list[tuple[str, str]]:
        """The thread with the customer on the phone: who wrote, and what."""
        thread = self.browser.get(
            f"{self.phone}/_sandbox/thread", params={"phone": self._sid(), "peer": CUSTOMER}, timeout=PATIENCE
        ).json()
        return [(entry["state"], entry["text"]) for entry in thread["entries"]]

    def answer(self, text: str) -> None:
        """Write as the customer."""
        url, body = f"{self.phone}/_sandbox/phones/{self._sid()}/messages", {"sender": CUSTOMER, "text": text}
        assert self.browser.post(url, json=body, timeout=PATIENCE).status_code == 201

    def _sid(self) -> str:
        phones = self.browser.get(f"{self.phone}/_sandbox/phones", timeout=PATIENCE).json()
        return str(phones["phones"][0]["sid"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    port, log = free_port(), tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as opened, requests.Session() as browser:
        process = subprocess.Popen(
            [sys.executable, str(MANAGE), "demo", f"--port={port}", "--sandbox-port=0"],
            cwd=tmp_path,
            env=environment,
            stdout=opened,
            stderr=opened,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not (phone := re.search(r"The phone: +(http://\S+)/", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            demo = Demo(f"http://127.0.0.1:{port}", phone[1], browser, process, log)
            demo.wait_for(lambda: "Order" in demo.get("/"))
            yield demo
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0, log.read_text()
            assert "Traceback" not in log.read_text()
        finally:
            process.kill()
            process.wait(PATIENCE)


def test_a_customer_orders_asks_and_stops_and_the_owner_sees_it(demo: Demo) -> None:
    page = demo.order("teapot")
    demo.wait_for(lambda: "sent by the phone" in demo.browser.get(page.url, timeout=PATIENCE).text)
    assert demo.texts() == [("sent", "Thank you for ordering a teapot!")]

    demo.answer("Where is it?")
    demo.wait_for(lambda: "Your teapot is being packed" in str(demo.texts()))

    # The owner ships it.
    assert demo.post("/admin/login/?next=/admin/", username="admin", password="admin").ok
    order = re.search(r'name="_selected_action" value="(\d+)"', demo.get("/admin/shop/order/"))
    assert order is not None
    for _ in range(2):  # clicked twice
        demo.post("/admin/shop/order/", action="ship", _selected_action=order[1])
    demo.wait_for(lambda: ("sent", "Your teapot is on its way.") in demo.texts())

    demo.answer("stop")
    demo.wait_for(lambda: CUSTOMER in demo.get("/admin/shop/optout/"))
    before = demo.texts()
    assert "This number gets no messages" in demo.order("kettle").text
    demo.answer("Where is the kettle?")
    demo.answer("START")
    demo.wait_for(lambda: CUSTOMER not in demo.get("/admin/shop/optout/"))
    demo.order("spoon")
    demo.wait_for(lambda: ("sent", "Thank you for ordering a spoon!") in demo.texts())
    written = [text for text in demo.texts()[len(before) :] if text[1] not in ("Where is the kettle?", "START")]
    assert written == [("sent", "Thank you for ordering a spoon!")]
    assert str(demo.texts()).count("on its way") == 1

    assert demo.get("/admin/smsmobile/outgoingsms/?state__exact=sent").count('name="_selected_action"') == 4
    incoming = demo.get("/admin/smsmobile/incomingmessage/")
    for text in ("Where is it?", "stop", "START"):
        assert text in incoming


def test_a_number_that_does_not_exist_is_an_error_of_the_form(demo: Demo) -> None:
    page = demo.order("teapot", "12")
    assert page.url == demo.shop + "/"
    assert "errorlist" in page.text


@pytest.mark.parametrize("option", ["--port", "--sandbox-port"])
def test_a_port_that_is_in_use_ends_the_demonstration(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"--port": free_port(), "--sandbox-port": 0, option: taken.getsockname()[1]}
        done = subprocess.run(
            [sys.executable, str(MANAGE), "demo", *(f"{name}={port}" for name, port in ports.items())],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr
