"""Reads an attachment: a file's content or its path, its size and its name."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from stat import S_ISREG

from .._redaction import mask_numbers
from ..errors import InvalidRequestError
from .arguments import check_line
from .texts import exact

LARGEST_ATTACHMENT = 25 * 1000**2
"""Maximum size of an attachment in bytes. The service documents none; large mail providers accept no more (A)."""

LONGEST_NAME = 255
"""Bytes of a file name in UTF-8, as file systems take it."""

_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Invisible, but a part of names in Persian and of emoji."""


def read_attachment(attachment: object, name: str | None) -> tuple[str, str]:
    """Return the attachment's content in Base64, and its file name."""
    if isinstance(attachment, (bytes, bytearray, memoryview)):
        if name is None:
            raise InvalidRequestError("The attachment is bytes and has no name; pass one with attachment_name=.")
        try:
            size = memoryview(attachment).nbytes
        except ValueError:
            raise InvalidRequestError("The attachment is a released memoryview; expected the file's content.") from None
        _check_size(size)
        content = bytes(attachment)
    elif isinstance(attachment, (str, os.PathLike)):
        path = _path_of(attachment)
        name = path.name if name is None else name
        content = _read_file(path)
    else:
        raise InvalidRequestError(
            f"The attachment is of type {type(attachment).__name__}; expected the file's content as bytes, or its path."
        )
    if not content:
        raise InvalidRequestError("The attachment is empty; expected a file with content.")
    name = _check_file_name(name)
    return base64.b64encode(content).decode("ascii"), name


def _check_file_name(name: object) -> str:
    """A name that is one file in any folder, and looks like what it is."""
    name = check_line("attachment_name", name)
    if "/" in name or "\\" in name or not name.strip("."):
        raise InvalidRequestError("The attachment_name has a folder in it; expected a file name, such as 'a.pdf'.")
    if not name.translate(_JOINERS).isprintable():
        raise InvalidRequestError(
            "The attachment_name has a control character or an invisible one, such as a mark of direction; expected a "
            "file name, such as 'a.pdf'."
        )
    if (size := len(name.encode())) > LONGEST_NAME:
        raise InvalidRequestError(f"The attachment_name has {size} bytes; expected at most {LONGEST_NAME}.")
    return name


def _path_of(attachment: str | os.PathLike[str]) -> Path:
    try:
        return Path(exact(os.fsdecode(attachment)))
    except TypeError:
        raise InvalidRequestError(
            f"The attachment is of type {type(attachment).__name__}, which returns no path; expected a path."
        ) from None


def _read_file(path: Path) -> bytes:
    shown = repr(mask_numbers(path.name)[:100])
    try:
        status = path.stat()
        is_file = S_ISREG(status.st_mode)  # opening a pipe can block, and a device can be endless
        content = b""
        if is_file and status.st_size <= LARGEST_ATTACHMENT:
            with path.open("rb") as file:
                content = file.read(LARGEST_ATTACHMENT + 1)  # the files of /proc have content, but a size of 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InvalidRequestError(f"The attachment {shown} cannot be read: {reason}.") from None
    if not is_file:
        raise InvalidRequestError(f"The attachment {shown} is a directory, a pipe or a device; expected a file.")
    _check_size(max(status.st_size, len(content)))
    return content


def _check_size(size: int) -> None:
    if size > LARGEST_ATTACHMENT:
        raise InvalidRequestError(
            f"The attachment is larger than {LARGEST_ATTACHMENT // 1000**2} MB, which mail servers refuse; send a "
            "link instead."
        )
