"""The channels of the service: one file per channel, with its models and its operations."""

__all__ = []


def __dir__() -> list[str]:
    return __all__
