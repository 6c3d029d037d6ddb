"""The gateways in the packages that use them, which are set up as their own documentation says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import clear_url_caches, include, path
from django.utils.translation import gettext_lazy
from phonenumber_field.phonenumber import PhoneNumber

from smsmobile import DeviceOffline, InvalidRequestError
from smsmobile.contrib._settings import SANDBOX_KEY
from smsmobile.contrib.django.allauth import SMSAdapterMixin
from smsmobile.contrib.django.test import outbox
from smsmobile.sandbox import Sandbox

pytestmark = pytest.mark.django_db

NUMBER = "+12025550123"  # the packages want a number that can exist
PASSWORD = "a password of the tests"


@pytest.fixture
def no_phone(settings: Any) -> Iterator[None]:
    """The phone that should send is off."""
    with Sandbox(api_key=SANDBOX_KEY) as box:
        box.phone.switch_off()
        settings.SMSMOBILE = {"BACKEND": "sandbox", "BASE_URL": box.url}
        yield


@pytest.fixture
def urls(settings: Any) -> Iterator[list[Any]]:
    """The URLs of the project."""
    module = ModuleType("urls_of_the_gateways")
    module.urlpatterns = []  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    yield module.urlpatterns  # type: ignore[attr-defined]
    del sys.modules[module.__name__]
    clear_url_caches()


# django-two-factor-auth


@pytest.fixture
def two_factor(settings: Any, urls: list[Any]) -> Any:
    """A user whose second factor is a phone."""
    from two_factor.plugins.phonenumber.models import PhoneDevice
    from two_factor.urls import urlpatterns

    settings.TWO_FACTOR_SMS_GATEWAY = "smsmobile.contrib.django.two_factor.SMSGateway"
    settings.LOGIN_URL = "two_factor:login"
    settings.LOGIN_REDIRECT_URL = "two_factor:profile"
    urls.append(path("", include(urlpatterns)))
    user = get_user_model().objects.create_user("ann", password=PASSWORD)
    PhoneDevice.objects.create(user=user, name="default", number=NUMBER, method="sms")
    return user


def log_in(browser: Client) -> Any:
    data = {"auth-username": "ann", "auth-password": PASSWORD, "login_view-current_step": "auth"}
    return browser.post("/account/login/", data)


def test_two_factor_sends_a_token_that_logs_in(two_factor: Any) -> None:
    browser = Client()
    assert log_in(browser).status_code == 200
    ((recipient, text),) = [(sms.recipient, sms.message) for sms in outbox]
    assert recipient == NUMBER
    token = re.fullmatch(r"Your OTP token is (\d{6})", text)
    assert token is not None

    data = {"token-otp_token": token[1], "login_view-current_step": "token"}
    assert browser.post("/account/login/", data).status_code == 302
    assert browser.get("/account/two_factor/").context["user"].is_verified()


def test_a_login_fails_visibly_if_the_token_cannot_be_sent(two_factor: Any, no_phone: None) -> None:
    with pytest.raises(DeviceOffline):
        log_in(Client())


def test_the_setup_of_a_phone_says_that_the_token_could_not_be_sent(two_factor: Any, no_phone: None) -> None:
    two_factor.phonedevice_set.all().delete()
    browser = Client()
    browser.force_login(two_factor)
    url, step = "/account/two_factor/setup/", "setup_view-current_step"
    browser.get(url)
    browser.post(url, {step: "welcome"})
    browser.post(url, {step: "method", "method-method": "sms"})
    page = browser.post(url, {step: "sms", "sms-number": NUMBER})
    assert "encountered an issue" in page.content.decode()


# django-allauth


class AccountAdapter(SMSAdapterMixin, DefaultAccountAdapter):  # type: ignore[misc]
    """Keeps the numbers in memory, by the user's id."""

    phones: dict[int, tuple[str, bool]] = {}  # noqa: RUF012

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        self.phones[user.pk] = (phone, verified)

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        return self.phones.get(user.pk)

    def set_phone_verified(self, user: Any, phone: str) -> None:
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> Any:
        users = [pk for pk, (number, _) in self.phones.items() if number == phone]
        return get_user_model().objects.filter(pk__in=users).first()


@pytest.fixture
def allauth(settings: Any, urls: list[Any]) -> Iterator[None]:
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "allauth.account.auth_backends.AuthenticationBackend",
    ]
    settings.ACCOUNT_ADAPTER = f"{__name__}.AccountAdapter"
    settings.ACCOUNT_LOGIN_METHODS = {"phone"}
    settings.ACCOUNT_SIGNUP_FIELDS = ["phone*", "password1*"]
    settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}  # no rate limits
    settings.LOGIN_REDIRECT_URL = "/accounts/phone/change/"
    urls.append(path("accounts/", include("allauth.urls")))
    AccountAdapter.phones.clear()
    yield
    AccountAdapter.phones.clear()


def sign_up(browser: Client) -> Any:
    return browser.post("/accounts/signup/", {"phone": NUMBER, "password1": PASSWORD})


def test_allauth_verifies_the_number_of_who_signs_up(allauth: None) -> None:
    browser = Client()
    assert sign_up(browser).url == "/accounts/phone/verify/"
    ((recipient, text),) = [(sms.recipient, sms.message) for sms in outbox]
    assert recipient == NUMBER
    code = re.fullmatch(r"Your verification code is (\S+)\.", text)
    assert code is not None

    assert list(AccountAdapter.phones.values()) == [(NUMBER, False)]
    assert browser.post("/accounts/phone/verify/", {"code": code[1]}).status_code == 302
    assert list(AccountAdapter.phones.values()) == [(NUMBER, True)]


def test_allauth_tells_the_owner_of_a_number_that_it_has_an_account(allauth: None) -> None:
    sign_up(Client())
    outbox.clear()
    AccountAdapter().set_phone_verified(get_user_model().objects.get(), NUMBER)
    sign_up(Client())
    assert [sms.message for sms in outbox] == [AccountAdapter.account_already_exists_sms]


def test_allauth_tells_a_number_that_it_has_no_account(allauth: None) -> None:
    Client().post("/accounts/login/code/", {"phone": NUMBER})
    assert [sms.message for sms in outbox] == [AccountAdapter.unknown_account_sms]


def test_allauth_texts_what_the_project_says(allauth: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AccountAdapter, "verification_code_sms", gettext_lazy("{code} is your code."))
    sign_up(Client())
    assert outbox[0].message.endswith(" is your code.")


def test_a_sign_up_fails_visibly_if_the_code_cannot_be_sent(allauth: None, no_phone: None) -> None:
    with pytest.raises(DeviceOffline):
        sign_up(Client())


# django-phone-verify


@pytest.fixture
def phone_verify(settings: Any, urls: list[Any]) -> None:
    settings.SECRET_KEY = "a key of the tests that is long enough to sign with"
    settings.PHONE_VERIFICATION = {
        "BACKEND": "smsmobile.contrib.django.phone_verify.SMSBackend",
        "OPTIONS": {},
        "TOKEN_LENGTH": 6,
        "MESSAGE": gettext_lazy("Welcome to {app}! Please use security code {security_code} to proceed."),
        "APP_NAME": "Phone Verify",
        "SECURITY_CODE_EXPIRATION_TIME": 3600,
        "VERIFY_SECURITY_CODE_ONLY_ONCE": False,
    }
    from phone_verify.api import VerificationViewSet  # reads the settings
    from rest_framework.routers import DefaultRouter

    router = DefaultRouter(trailing_slash=False)
    router.register("phone", VerificationViewSet, basename="phone")
    urls += router.urls


def test_phone_verify_sends_a_code_that_verifies_the_number(phone_verify: None) -> None:
    answer = Client().post("/phone/register", {"phone_number": NUMBER})
    assert answer.status_code == 200
    ((recipient, text),) = [(sms.recipient, sms.message) for sms in outbox]
    assert recipient == NUMBER
    code = re.fullmatch(r"Welcome to Phone Verify! Please use security code (\d{6}) to proceed\.", text)
    assert code is not None

    data = {"phone_number": NUMBER, "session_token": answer.json()["session_token"], "security_code": code[1]}
    assert Client().post("/phone/verify", data).status_code == 200


def test_a_registration_fails_visibly_if_the_code_cannot_be_sent(phone_verify: None, no_phone: None) -> None:
    with pytest.raises(DeviceOffline):
        Client().post("/phone/register", {"phone_number": NUMBER})


def test_phone_verify_sends_to_several(phone_verify: None) -> None:
    from smsmobile.contrib.django.phone_verify import SMSBackend

    SMSBackend().send_bulk_sms([NUMBER, PhoneNumber.from_string("+447700900123")], "Hello")
    assert [sms.recipient for sms in outbox] == [NUMBER, "+447700900123"]


# django-sms


@pytest.fixture
def django_sms(settings: Any) -> None:
    settings.SMS_BACKEND = "smsmobile.contrib.django.sms_backend.SmsBackend"


def test_django_sms_sends_to_each_recipient(django_sms: None) -> None:
    from sms import send_sms

    recipients: Any = [NUMBER, PhoneNumber.from_string("+447700900123")]
    assert send_sms(gettext_lazy("Hello"), "+12025550124", recipients) == 2
    assert [(sms.recipient, sms.message) for sms in outbox] == [(NUMBER, "Hello"), ("+447700900123", "Hello")]


def test_django_sms_raises_what_goes_wrong(django_sms: None) -> None:
    from sms import send_sms

    with pytest.raises(InvalidRequestError):
        send_sms("Hello", None, [NUMBER, "no number", "+447700900123"])
    assert [sms.recipient for sms in outbox] == [NUMBER]


def test_django_sms_counts_what_was_accepted_if_it_fails_silently(
    django_sms: None, caplog: pytest.LogCaptureFixture
) -> None:
    from sms import send_sms

    assert send_sms("Hello", None, [NUMBER, "no number", "+447700900123"], fail_silently=True) == 2
    assert "InvalidRequestError" in caplog.text
