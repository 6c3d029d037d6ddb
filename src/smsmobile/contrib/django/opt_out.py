"""`record_opt_out`: what a receiver of `sms_received` calls, so that whoever texts STOP gets no more messages."""

from __future__ import annotations

from collections.abc import Iterable

from ... import delivery
from ..._input.country_codes import SHORT_CODE
from ...delivery import OutgoingSMS as Message
from ...webhooks import SMSReceived
from ...webhooks._claims import spelled
from .conf import get_client
from .sending import as_text, store
from .suppression import DjangoSuppression, as_stored

__all__ = ["record_opt_out"]


def __dir__() -> list[str]:
    return __all__


def record_opt_out(event: SMSReceived, reply: object = None, *, languages: Iterable[str] | None = None) -> bool:
    """Put the sender of a STOP on the list of opt-outs, and take the sender of a START off it.

        @receiver(sms_received)
        def stop(event, **kwargs):
            record_opt_out(event, reply="You get no more messages from us.")

    event: any event of `sms_received`.
    reply: a text that answers an opt-out, also a lazy translation. It is queued in the transaction of the event, and
        sent to the number although that is on the list now, outside of the window as well. A person who is on the list
        already gets none.
    languages: codes of the languages whose words count, as for `smsmobile.delivery.is_opt_out`; all of them without it.

    Returns True if the message asks for either and is recorded. False for any other text, and, with a warning in the
    log, if the sender is no phone number, such as `MPESA`.

    Raises StorageError if the list cannot be used: let it pass, and the event comes again. Raises InvalidRequestError
    for a reply that cannot be sent, and ConfigurationError if the settings are wrong.
    """
    suppression = _NotingSuppression()
    is_recorded = delivery.record_opt_out(event, suppression, languages=languages, client=get_client())
    number = suppression.added
    if reply is not None and number is not None and not SHORT_CODE.fullmatch(number):
        key = spelled(f"opt-out:{event.data.guid or event.id}")
        store(Message(number, as_text(reply), key, urgent=True), confirms_opt_out=True)
    return is_recorded


class _NotingSuppression(DjangoSuppression):
    """Notes whom it has added."""

    added: str | None = None

    def add(self, number: str, *, source: str = "") -> bool:
        """Add a number."""
        is_new = super().add(number, source=source)
        if is_new:
            self.added = as_stored(number)
        return is_new
