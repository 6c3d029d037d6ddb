"""A Flask application as a user makes one in tests, with an extension of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from smsmobile.contrib.flask import SMSMobile

from ..deliveries import SECRET, TOKEN


@pytest.fixture
def sms() -> SMSMobile:
    return SMSMobile()


@pytest.fixture
def make_app(sms: SMSMobile, tmp_path: Path) -> Callable[..., Flask]:
    """Makes applications that share the extension. Keywords are keys of the configuration."""

    def make(name: str = "shop", **config: Any) -> Flask:
        app = Flask(name, instance_path=str(tmp_path / "instance" / name))
        app.config.update(config)
        sms.init_app(app)
        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(TESTING=True, SMSMOBILE_WEBHOOK_SECRET=SECRET, SMSMOBILE_WEBHOOK_URL_TOKEN=TOKEN)
