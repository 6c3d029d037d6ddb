"""Sends a message now, or queues it in the transaction of its caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from django.db import router, transaction
from django.utils.functional import Promise

from ...delivery import OutgoingSMS as Message
from ...delivery import SendOutcome, send_once
from ...delivery._arguments import channel_of
from ...delivery._messages import check_key, params_of
from ...errors import InvalidRequestError
from .._sending import SendOnceOptions, SendOptions, options_without_key
from ._rules import rules_of
from ._times import to_column
from .conf import get_client, get_queue
from .journal import DjangoJournal
from .models import OutgoingSMS, State, new_key

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ...channels.sms import SentSMS

__all__ = ["SendOnceOptions", "SendOptions", "as_text", "queue_sms", "send_sms"]


def __dir__() -> list[str]:
    return __all__


_LONGEST_LINE = 255
"""Characters of a key, and of the SID of a phone, in the table."""
_PATIENCE = 5.0
"""Seconds to look for a message whose answer was lost: a request handler has little time."""


def as_text(value: object) -> Any:
    """The text of a lazy translation, the number of a PhoneNumber object, or the value as it is."""
    if isinstance(value, Promise):
        return str(value)
    return getattr(value, "as_e164", value)


@overload
def send_sms(to: object, message: object, key: None = None, **options: Unpack[SendOptions]) -> SentSMS: ...
@overload
def send_sms(to: object, message: object, key: str | int, **options: Unpack[SendOnceOptions]) -> SendOutcome: ...
def send_sms(
    to: object, message: object, key: str | int | None = None, **options: Unpack[SendOnceOptions]
) -> SentSMS | SendOutcome:
    """Send a message now.

    to: one phone number with `+` and country code, as text or as a PhoneNumber object.
    message: any text, also a lazy translation.
    key: your name for the message, such as `f"order-{order.pk}"`. It is sent once, however often this is called with
        the key, also if `queue_sms` is.
    options: `sim`, `device`, `schedule_at`, `shorten_urls`, `encrypt` and `whatsapp`, as for `client.sms.send`. With a
        key also `expires_at`, an aware datetime from which on the message is not sent, and `urgent`, for one that does
        not wait for the send window.

    It fits into a request handler: the answer is waited for 10 s, and one that was lost is looked up for 5 s.

    Without a key, returns a SentSMS, and raises what `client.sms.send` raises. It does not use the database, and asks
    no rules: neither the list of opt-outs nor SMSMOBILE['WINDOW'] and SMSMOBILE['SIMS'].

    With a key, returns a SendOutcome, and raises what `smsmobile.delivery.send_once` raises: SendPostponed if a rule
    lets it leave only later, SendInFlight if somebody else is sending the message, StorageError if the database cannot
    be used. Raises RuntimeError inside of `transaction.atomic()`: use `queue_sms` there.
    """
    if key is None:
        return get_client().sms.send(as_text(to), as_text(message), **options_without_key(**options))
    return send_once(
        get_client(),
        DjangoJournal(),
        key=key,
        to=as_text(to),
        text=as_text(message),
        patience=_PATIENCE,
        **rules_of(),
        **options,
    )


def queue_sms(
    to: object, message: object, key: str | int | None = None, **options: Unpack[SendOnceOptions]
) -> OutgoingSMS:
    """Store a message in your transaction. It is sent if that is committed, by `manage.py sms_worker` or a task.

        with transaction.atomic():
            order.save()
            queue_sms(order.phone, "Your order is here.", key=f"order-{order.pk}")

    to, message, options: as for `send_sms`.
    key: your name for the message. If a message with this key is stored already, nothing is stored. Without a key, the
        message has one of its own.

    Returns the stored message. Raises InvalidRequestError if it cannot be sent, and ConfigurationError if the settings
    are wrong.
    """
    return store(Message(as_text(to), as_text(message), key, **options))


def store(given: Message, *, confirms_opt_out: bool = False) -> OutgoingSMS:
    """Store a message, as `queue_sms` does."""
    params = params_of(channel_of(get_client()), given)
    row = OutgoingSMS(
        key=_short("key", new_key() if given.key is None else check_key(given.key)),
        to=str(params["recipients"]),
        message=_without_nul(given.text),
        sim=given.sim,
        device=_short("device", given.device or ""),
        schedule_at=to_column(given.schedule_at),
        expires_at=to_column(given.expires_at),
        shorten_urls=given.shorten_urls,
        encrypt=given.encrypt,
        whatsapp=given.whatsapp,
        urgent=given.urgent,
        confirms_opt_out=confirms_opt_out,
    )
    rows = OutgoingSMS.objects.using(router.db_for_write(OutgoingSMS))
    # An insert first: a query before it would let SQLite fail if others have changed the file since.
    rows.bulk_create([row], ignore_conflicts=True)
    row = rows.get(key=row.key)
    if row.state == State.QUEUED:
        hand_over_on_commit(row.pk)
    return row


def hand_over_on_commit(pk: int) -> None:
    """Hand a queued row to the task queue, if the project has one. If that fails, it is logged, and a worker sends it.

    Raises ConfigurationError if QUEUE is none of those there are.
    """
    if get_queue() != "worker":
        from .tasks import hand_over

        # No partial: Django cannot name one in its log.
        transaction.on_commit(lambda: hand_over(pk), using=router.db_for_write(OutgoingSMS), robust=True)


def _short(name: str, text: str) -> str:
    if len(text) > _LONGEST_LINE:
        raise InvalidRequestError(f"The {name} has {len(text)} characters; expected at most {_LONGEST_LINE}.")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise InvalidRequestError("The message has the character NUL in it, which PostgreSQL does not store.")
    return text
