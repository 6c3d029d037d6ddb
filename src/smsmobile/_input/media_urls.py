"""Checks the URL of a file that the service fetches and sends: public, https, and of a kind that it accepts."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from ..errors import InvalidRequestError
from .arguments import check_line, shown

MEDIA_ENDINGS = (
    *("pdf", "xml", "doc", "docx", "odt", "rtf", "txt", "tex", "xls", "xlsx", "csv", "ods", "ppt", "pptx", "odp"),
    *("zip", "rar", "7z", "tar", "gz", "jpg", "jpeg", "png"),
)
"""The file extensions that the service accepts for media (D)."""
LONGEST_URL = 8000
"""Characters of a media URL, more than web servers accept."""

_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?")
_PRIVATE_DOMAINS = ("localhost", "local", "internal", "lan")


def check_media_url(url: object) -> str:
    url = check_line("media_url", url, most=LONGEST_URL)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # an invalid port raises here
    except ValueError:
        raise InvalidRequestError("media_url is not a URL; expected one such as 'https://example.org/a.pdf'.") from None
    if parts.scheme != "https" or not host:
        raise InvalidRequestError(
            f"media_url begins with {shown(parts.scheme) or 'no scheme'!r}; expected a public https "
            "URL, such as 'https://example.org/a.pdf'."
        )
    if "@" in parts.netloc or any(char.isspace() or not char.isprintable() for char in url):
        raise InvalidRequestError(
            "media_url contains a user, a space or an invisible character; expected a public https URL, with spaces "
            "written as '%20'."
        )
    if not _is_public(host):
        raise InvalidRequestError(
            "media_url has a private host, which the service cannot reach; expected a public https URL, such as "
            "'https://example.org/a.pdf'."
        )
    name = unquote(parts.path).rpartition("/")[2]
    if parts.fragment or "." not in name or name.rpartition(".")[2].lower() not in MEDIA_ENDINGS:
        raise InvalidRequestError(
            f"media_url does not end in an accepted file extension; expected one of {', '.join(MEDIA_ENDINGS)}."
        )
    return url


def _is_public(host: str) -> bool:
    """Whether this host name or IP address is a public one."""
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        return address.is_global and not address.is_multicast
    try:
        name = host.encode("idna").decode()  # refuses labels that are empty or too long
    except UnicodeError:
        return False
    return _HOST.fullmatch(name) is not None and name.rstrip(".").rpartition(".")[2] not in _PRIVATE_DOMAINS
