"""Checks the URLs that credentials may be sent to: https, or http to a loopback host."""

from __future__ import annotations

from ipaddress import ip_address

from ..errors import ConfigurationError

DEFAULT_BASE_URL = "https://api.smsmobileapi.com"


def check_base_url(base_url: object, name: str = "base_url") -> str:
    """Return the URL without its final slash.

    Raises ConfigurationError if credentials may not be sent there.
    """
    # Imported here because the sandbox uses only is_loopback, and starts a sixth faster without requests.
    import requests
    from urllib3.exceptions import LocationValueError
    from urllib3.util import parse_url

    if not isinstance(base_url, str):
        what = "None" if base_url is None else f"of type {type(base_url).__name__}"
        raise ConfigurationError(f"{name} is {what}; expected a URL such as {DEFAULT_BASE_URL!r}, or leave it out.")
    if not base_url.strip():
        raise ConfigurationError(f"{name} is empty; expected a URL such as {DEFAULT_BASE_URL!r}.")
    if "://" not in base_url:
        raise ConfigurationError(
            f"{name} does not begin with https:// (or, for this machine, http://); expected a URL such as "
            f"{DEFAULT_BASE_URL!r} or 'http://localhost:8420'."
        )
    try:
        parts = parse_url(base_url.strip())
    except LocationValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.host or "\\" in base_url:
        raise ConfigurationError(f"{name} is not an http(s) URL; expected one such as {DEFAULT_BASE_URL!r}.")
    if parts.auth or parts.query is not None or parts.fragment is not None:
        raise ConfigurationError(f"{name} has a user, query or fragment; remove it, and pass credentials as arguments.")
    if parts.scheme == "http" and not is_loopback(parts.host):
        raise ConfigurationError(
            f"{name} would send the credentials to {parts.host} unencrypted; use https:// (http:// is allowed for "
            "loopback only)."
        )
    url = parts.url.rstrip("/")
    try:
        requests.Request("GET", url).prepare()
    except requests.RequestException:
        raise ConfigurationError(f"{name} has an invalid host name; check its spelling.") from None
    return url


def without_user(url: str) -> str:
    """A URL, or a host and port, without user and password."""
    scheme = url[: url.find("://") + 3] if "://" in url else ""
    return scheme + url.removeprefix(scheme).rpartition("@")[2].split("/")[0]


def is_loopback(host: str | None) -> bool:
    """Whether this host name or IP address is the machine itself."""
    name = (host or "").strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
