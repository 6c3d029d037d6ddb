"""What importing costs, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from .measure import Result, ratio

DEPENDENCIES = "import requests, pydantic, dotenv"
USED_DEPENDENCIES = "import requests, dotenv; from pydantic import BaseModel"
COLD_START = "from smsmobile import SMSMobileClient; SMSMobileClient(api_key='0123456789abcdef')"


def run() -> Iterator[Result]:
    """Two rows: the package alone, and the cold start of a script that builds a client."""
    yield Result(
        "import smsmobile", DEPENDENCIES, ratio(python("import smsmobile"), python(DEPENDENCIES), laps=15), 1.10
    )
    yield Result(
        "a script's cold start: import, and build a client",
        "import requests, dotenv, pydantic's BaseModel",
        ratio(python(COLD_START), python(USED_DEPENDENCIES), laps=25),
        1.15,
    )


def python(code: str) -> Callable[[], object]:
    """Run this in a new interpreter."""
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)
