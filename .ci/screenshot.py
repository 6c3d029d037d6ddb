"""Makes docs/sandbox.png anew: the page of a sandbox in the middle of a conversation, in Chromium.

`make screenshot` runs it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

ANNA, BEN, SHOP = "+33639981234", "+33639985678", "+12025550123"


def main() -> None:
    """Let an application and the people it writes to talk, and take the picture."""
    with Sandbox() as box, SMSMobileClient(api_key=box.api_key, base_url=box.url) as client:
        client.sms.send(SHOP, "Your parcel is on its way.")
        box.phone.fail(BEN, "RESULT_ERROR_NO_SERVICE")
        client.sms.send(BEN, "Reminder: the dentist, tomorrow at 9:30.")
        client.sms.send(ANNA, "Hello Anna! Your appointment is tomorrow at 10:00. Reply YES to confirm.")
        box.phone.receive(ANNA, "Could we make it 11:00?")
        client.sms.send(ANNA, "Of course: 11:00 it is. See you tomorrow!")
        box.phone.receive(ANNA, "YES, thank you!")
        client.sms.received()
        with sync_playwright() as driver:
            executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
            browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 760}, reduced_motion="reduce")
            page.goto(f"{box.url}/#phone={box.phone.sid}&peer={ANNA.removeprefix('+')}&tab=requests")
            page.locator("#requests-list summary").first.wait_for()
            page.locator("#entries").get_by_text("YES, thank you").wait_for()
            page.screenshot(path=str(Path(__file__).parent.parent / "docs" / "sandbox.png"))
            browser.close()


if __name__ == "__main__":
    main()
