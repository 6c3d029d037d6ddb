"""Which addresses a key may be sent to: https, or http to the machine itself. Connecting to them is done elsewhere."""

from __future__ import annotations

from ipaddress import ip_address

from ..errors import ConfigurationError

DEFAULT_BASE_URL = "https://api.smsmobileapi.com"


def check_base_url(base_url: object, name: str = "base_url") -> str:
    """The address without its final slash, if a key may be sent there; else ConfigurationError, which names it."""
    # Here, since the sandbox asks only what is loopback, and starts a sixth faster without requests.
    import requests
    from urllib3.exceptions import LocationValueError
    from urllib3.util import parse_url

    if not isinstance(base_url, str) or not base_url.strip():
        raise ConfigurationError(f"{name} is empty; expected an address such as {DEFAULT_BASE_URL!r}.")
    try:
        parts = parse_url(base_url.strip())
    except LocationValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.host or "\\" in base_url:
        raise ConfigurationError(f"{name} is not an http(s) address; expected one such as {DEFAULT_BASE_URL!r}.")
    if parts.auth or parts.query is not None or parts.fragment is not None:
        raise ConfigurationError(f"{name} must have no user, query or fragment; credentials have their own arguments.")
    if parts.scheme == "http" and not is_loopback(parts.host):
        raise ConfigurationError(
            f"{name} sends the key to {parts.host} unencrypted; use https:// (http:// is for loopback only)."
        )
    address = parts.url.rstrip("/")
    try:
        requests.Request("GET", address).prepare()
    except requests.RequestException:
        raise ConfigurationError(f"{name} has a host name that cannot be looked up; check its spelling.") from None
    return address


def is_loopback(host: str | None) -> bool:
    """Whether this host is the machine itself, by its name or by its literal address."""
    name = (host or "").strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
