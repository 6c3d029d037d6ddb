"""Skins of the library for other frameworks and stores, each an extra."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return __all__
