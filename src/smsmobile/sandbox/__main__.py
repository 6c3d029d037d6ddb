"""`python -m smsmobile.sandbox`: a sandbox to develop with, which takes its time as the real thing does.

What it serves lives in the other files.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

from .box import Sandbox

PORT = 8420

# No secrets: they stand here so that a `.env` is still right when the sandbox is started anew.
API_KEY = "736d736d6f62696c652d73616e64626f782d6170696b6579"
CLIENT_ID = "736d736d6f62696c652d636c69656e74"
CLIENT_SECRET = "736d736d6f62696c652d73616e64626f782d636c69656e742d73656372657421"  # noqa: S105

SECRET_VARIABLE = "SMSMOBILEAPI_WEBHOOK_SECRET"  # noqa: S105
"""Read here, and by the library in the application."""

PHONE_DELAY = 1.5
"""Seconds until the phone sends, so that a message can be seen waiting."""
LOG_DELAY = 0.5
"""Seconds until a message is in the sent log: on the service too a row can be late."""


class Demonstration(Sandbox):
    """A sandbox as the command line wants it, also after a reset."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._webhook: str | None = arguments.webhook
        self._webhook_secret: str | None = arguments.secret
        super().__init__(host=arguments.host, port=arguments.port, db=arguments.db, allow_remote=arguments.allow_remote)

    def add_wanted_webhook(self) -> None:
        """See to it that the webhook of the command line is there, once, and with this secret."""
        if self._webhook is None:
            return
        version = 2 if self._webhook_secret else 1
        with self._store.lock:
            for row in list(self._store.destinations):
                if row.url == self._webhook:
                    if (row.version, row.secret) == (version, self._webhook_secret):
                        return
                    self._store.destinations.remove(row.key)
            self.add_webhook(self._webhook, secret=self._webhook_secret, version=version)

    def _set_up(self, *, first: bool) -> None:
        self.log_delay = LOG_DELAY
        self.phone.delay = PHONE_DELAY
        if first:
            self._change(api_key=API_KEY, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        else:
            self.add_wanted_webhook()


def main(words: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code."""
    arguments = _arguments(words)
    try:
        arguments.secret = _secret(arguments)
        with _noted_signals() as signals:
            box = Demonstration(arguments)
            try:
                box.add_wanted_webhook()
                box.start()
                _introduce(box, arguments)
                _wait(signals)
            finally:
                box.close()
    except (OSError, ValueError) as error:
        return _fail(error)
    return 0


def _secret(arguments: argparse.Namespace) -> str | None:
    """What webhooks are signed with: of the option, the file or the variable, the first that is given.

    Raises ValueError for an option or a file without use, and for an empty secret.
    """
    secret, file = arguments.webhook_secret, arguments.webhook_secret_file
    option = "--webhook-secret" if file is None else "--webhook-secret-file"
    if secret is not None and file is not None:
        raise ValueError("--webhook-secret and --webhook-secret-file are two ways to give one secret: leave one out.")
    if file is not None:
        secret = _read(file)
    if secret is None:
        return (os.environ.get(SECRET_VARIABLE) or None) if arguments.webhook else None
    if not secret:
        raise ValueError(f"{option} is empty: give the secret that your application verifies with.")
    if arguments.webhook is None:
        raise ValueError(f"{option} is what the events of --webhook are signed with: give both, or neither.")
    return str(secret)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OSError(f"The file of --webhook-secret-file cannot be read ({error.strerror}): {file}.") from error
    except UnicodeDecodeError:
        raise ValueError(f"The file of --webhook-secret-file is no text in UTF-8: {file}.") from None


def _fail(why: object) -> int:
    print(why, file=sys.stderr)
    return 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m smsmobile.sandbox",
        description="A local SMSMobileAPI with a phone that you can look at in the browser.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", default=PORT, type=int, help=f"the port; 0 takes a free one ({PORT})")
    parser.add_argument("--db", metavar="FILE", help="keep everything in this file; without it, nothing is kept")
    parser.add_argument("--webhook", metavar="URL", help="deliver events to this address")
    parser.add_argument(
        "--webhook-secret",
        metavar="SECRET",
        help="sign them with this (version 2, all events); other users of this machine can see it in the list of "
        f"processes, unlike a file or the variable {SECRET_VARIABLE}; without a secret they are unsigned (version 1, "
        "received SMS only)",
    )
    parser.add_argument("--webhook-secret-file", metavar="FILE", help="sign them with the text of this file")
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow a --host that other machines reach, and webhooks to them"
    )
    return parser.parse_args(words)


@contextmanager
def _noted_signals() -> Iterator[SimpleQueue[int]]:
    """Ctrl-C and SIGTERM are only noted meanwhile: they interrupt nothing that is being done."""
    noted: SimpleQueue[int] = SimpleQueue()
    before = {
        number: signal.signal(number, lambda number, _: noted.put(number)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(signals: SimpleQueue[int]) -> None:
    while True:
        try:
            signals.get(timeout=1.0)  # on Windows a wait without a timeout does not hear Ctrl-C
        except Empty:
            continue
        return


def _introduce(box: Sandbox, arguments: argparse.Namespace) -> None:
    if arguments.allow_remote:
        print(
            "Warning: everybody who reaches this port can read and send everything here. The key is no protection.",
            file=sys.stderr,
            flush=True,
        )
    settings = {
        "SMSMOBILEAPI_API_KEY": box.api_key,
        "SMSMOBILEAPI_BASE_URL": box.url,
        "SMSMOBILEAPI_MAILBOX_KEY": box.mailbox.key,
    }
    if arguments.secret:
        settings[SECRET_VARIABLE] = _quoted(arguments.secret)
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    print(
        f"The phone:    {box.url}/\n"
        f"API key:      {box.api_key}\n"
        f"Mailbox key:  {box.mailbox.key} (e-mail needs it too, as apikeybox)\n"
        "\n"
        "For the .env of your application:\n"
        "\n"
        f"{lines}\n"
        "\n"
        "Stop it with Ctrl-C.",
        flush=True,
    )


def _quoted(value: str) -> str:
    """A value as a `.env` spells it."""
    if re.fullmatch(r"[\w.+/=-]+", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


if __name__ == "__main__":
    sys.exit(main())
