"""What to do about a failed SMS, by the words of the phone or of the service."""

from __future__ import annotations

from ..errors import PHONE_ADVICE
from .refusals import CODES, MEANINGS

_LONGEST_READ = 500

# The names are those of Android's SmsManager without RESULT_ERROR_, in lower case and with spaces; the others are
# assumed (A). The first line with a word that the error has counts.
_BY_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("radio off", "radio not available", "airplane"),
        "The phone's radio is off: switch airplane mode off, wait until the phone shows a network, then resend it.",
    ),
    (
        ("limit exceeded", "too many", "quota"),
        "No more SMS are allowed for now: confirm the question if the phone shows one, wait, and send more slowly.",
    ),
    (
        ("credit", "balance", "funds"),
        "No credit is left: top up the SIM, or the account if the service refused it; then resend it.",
    ),
    (
        ("no service", "out of service", "no network", "network reject", "network error", "signal"),
        "The phone had no network: check its signal and the SIM's contract, then resend it.",
    ),
    (
        ("permission", "operation not allowed", "no default sms app"),
        "The app may not send SMS: allow it in the phone's Settings > Apps > SmsMobileApi > Permissions; then resend.",
    ),
    (
        ("fdn check", "short code", "blocked"),
        "The phone sends no SMS to this number: check its settings for premium numbers and fixed dialling (FDN).",
    ),
    (
        ("no sim", "sim absent", "sim card", "smsc"),
        "The phone cannot use its SIM: check that it is unlocked and in the slot that `sim` names, then resend it.",
    ),
    (
        ("null pdu", "invalid sms format", "encoding error", "invalid arguments"),
        "The phone could not write this message as an SMS: check the number and the text, then send it again.",
    ),
    (("offline", "not connected", "disconnected", "timeout", "timed out", "battery"), PHONE_ADVICE),
    (
        ("number", "recipient", "destination", "msisdn"),
        "The number was refused: check it, with its country code, then send the message to the right one.",
    ),
)
_ANY_PHONE = (
    "The phone tried, and the SIM, the network or the number refused. Send an SMS by hand from the phone to this "
    "number: if that fails too, check credit, signal and number; if not, resend this one."
)
_ANY_SERVICE = "The service refused it, so the phone never had it: correct what the error says, then send it again."


def advice_for(error: str | None, *, by_service: bool) -> str:
    """What to check first. `by_service` if the service refused the message, and not the phone."""
    said = (error or "")[:_LONGEST_READ].strip()
    if by_service and said in CODES:
        return MEANINGS[CODES[said]]
    words = said.lower().replace("_", " ")
    for known, advice in _BY_WORDS:
        if any(word in words for word in known):
            return advice
    return _ANY_SERVICE if by_service else _ANY_PHONE
