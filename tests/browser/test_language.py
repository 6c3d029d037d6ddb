"""The page in French: by the browser's language, or by choice; and nothing on it is left in English."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from smsmobile import SMSMobileClient
from smsmobile.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.long

NUMBER = "+33639985678"
TABS = ["Requêtes", "Webhooks", "À venir", "Pannes", "Accès", "Compte"]


def test_a_french_browser_gets_french(open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient) -> None:
    from playwright.sync_api import expect

    box.clock.move_to(datetime(2026, 3, 20, 10, tzinfo=timezone.utc))
    page = open_page(locale="fr-CA")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", name="Envoyer le premier message")).to_be_visible()

    client.sms.send(NUMBER, "Bonjour", schedule_at=box.clock.now() + timedelta(days=1, hours=1))
    bubble = page.locator(".message").filter(has_text="Bonjour")
    expect(bubble).to_contain_text("Programmé\u00a0: ")
    box.clock.forward(timedelta(days=2))
    box.phone.receive(NUMBER, "Merci")
    expect(bubble).to_contain_text("Envoyé")
    expect(page.locator("#entries .day")).to_have_text(["vendredi 20 mars", "Aujourd\u2019hui"])
    expect(page.get_by_role("status")).to_have_text(f"Nouveau message. {NUMBER}\u00a0: Merci")


def test_what_is_wrong_is_told_in_french(open_page: Callable[..., Page], box: Sandbox) -> None:
    from playwright.sync_api import expect

    box.phone.receive(NUMBER, "Bonjour")
    page = open_page(locale="fr-FR", expected_errors=("400 (BAD REQUEST)",))
    page.get_by_role("button", name="Envoyer", exact=True).click()
    expect(page.locator("#composer-problem")).to_have_text("Écrivez d\u2019abord un message.")

    page.get_by_role("button", name="Réglages du téléphone").click()
    page.get_by_label("Batterie, en pour cent").fill("101")
    page.get_by_role("button", name="Enregistrer").click()
    problem = page.locator("#phone-dialog .problem")
    expect(problem).to_have_text("Le champ «\u00a0battery\u00a0» doit être inférieur ou égal à 100.")
    page.keyboard.press("Escape")

    page.get_by_role("tab", name="Pannes").click()
    page.get_by_role("switch", name="Latence").click()
    expect(page.get_by_role("tab", name="Pannes")).to_contain_text("1 active")
    expect(page.locator("#panel-faults")).to_contain_text("Active, aucune requête pour l\u2019instant")


def test_the_language_is_chosen_and_remembered(open_page: Callable[..., Page], box: Sandbox) -> None:
    from playwright.sync_api import expect

    box.phone.receive(NUMBER, "Bonjour")
    page = open_page()
    page.get_by_label(f"Reply as {NUMBER}").fill("half a senten")
    page.get_by_role("button", name="Français").click()
    written = page.get_by_label(f"Répondre en tant que {NUMBER}")
    expect(written).to_have_value("half a senten")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(written).to_have_value("half a senten")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_label(f"Reply as {NUMBER}")).to_have_value("half a senten")


def test_what_is_no_language_is_not_translated(open_page: Callable[..., Page], box: Sandbox, client: Any) -> None:
    from playwright.sync_api import expect

    client.sms.send(NUMBER, "Hello")
    page = open_page()
    page.locator("#requests-list summary").click()
    for name in (
        ".bubble",
        "#thread-title",
        ".conversation-name",
        "#phone",
        "#base-url",
        "#connect-env pre",
        ".log-body dl",
    ):
        expect(page.locator(name).first).to_have_js_property("translate", False)


def too_wide(page: Page) -> list[str]:
    """What one would have to scroll sideways to see all of."""
    parts = page.locator("html, .scroll, .top, .thread")
    return parts.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.id || e.className)")


def test_each_part_is_accessible_and_fits_in_french(
    open_page: Callable[..., Page], box: Sandbox, client: SMSMobileClient
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    from playwright.sync_api import expect

    client.sms.send(NUMBER, "Bonjour")
    client.sms.send(NUMBER, "Plus tard", schedule_at=box.clock.now() + timedelta(hours=2))
    box.add_webhook("http://localhost:9/", secret="a secret for tests")
    page = open_page(width=390, height=844, locale="fr-FR")
    page.locator(".conversation").click()
    page.get_by_label("Type de message").select_option("by_hand")
    expect(page.locator("#composer-label")).to_have_text(f"Propriétaire de Phone 1, à {NUMBER}")
    assert too_wide(page) == []
    page.get_by_role("button", name="Application").click()
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab).locator("li, dd, .setting").first).to_be_visible()
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [f"{tab}: {each['id']}: {node['html']}" for each in found for node in each["nodes"]] == []
        assert too_wide(page) == []
