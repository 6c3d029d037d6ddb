"""What importing costs, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from .measure import Result, ratio

PEER = "import requests, pydantic, dotenv"


def run() -> Iterator[Result]:
    """Two rows: the package, and everything that the client needs."""
    yield Result("import smsmobile", PEER, ratio(python("import smsmobile"), python(PEER), laps=15), 1.10)
    whole = "from smsmobile import SMSMobileClient"
    yield Result(whole, PEER, ratio(python(whole), python(PEER), laps=15))


def python(code: str) -> Callable[[], object]:
    """Run this in a new interpreter."""
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)
