"""The public names, and what importing them loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module, resources
from pathlib import Path

import pytest

import smsmobile
import smsmobile.delivery

SOURCE = Path(smsmobile.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))


def test_every_public_name_can_be_imported_and_is_found_again() -> None:
    things = {name: getattr(smsmobile, name) for name in smsmobile.__all__}
    assert [name for name, thing in things.items() if getattr(smsmobile, name) is not thing] == []
    assert things.keys() <= set(dir(smsmobile))
    del things["__version__"]
    assert [name for name, thing in things.items() if not thing.__module__.startswith("smsmobile")] == []


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def public_modules() -> list[str]:
    """All modules without a part that begins with an underscore. Of the sandbox only the package itself is public."""
    names = [".".join(["smsmobile", *module_of(path).split(".")]).removesuffix(".__init__") for path in MODULES]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    # Those for Django need its settings: tests/contrib/django/test_public_names.py
    return [name for name in public if not name.startswith(("smsmobile.sandbox.", "smsmobile.contrib.django"))]


def test_dir_of_a_public_module_shows_its_public_names_alone() -> None:
    modules = {name: import_module(name) for name in public_modules()}
    assert "smsmobile.webhooks" in modules
    assert {name: sorted(dir(module)) for name, module in modules.items()} == {
        name: sorted(module.__all__) for name, module in modules.items()
    }
    assert [name for name, module in modules.items() for public in module.__all__ if not hasattr(module, public)] == []


def test_no_public_name_is_there_twice() -> None:
    assert len(set(smsmobile.__all__)) == len(smsmobile.__all__)


def test_a_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from smsmobile import *", names)
    assert set(smsmobile.__all__) <= set(names)


@pytest.mark.parametrize("name", ["SmsMobileClient", "ApiKey", "os", "_HOME", "import_"])
def test_a_name_that_does_not_exist_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'smsmobile' has no attribute '{name}'"):
        getattr(smsmobile, name)


def test_every_public_thing_says_what_it_is() -> None:
    assert [name for name in smsmobile.__all__ if name != "__version__" and not getattr(smsmobile, name).__doc__] == []


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    return set(printed.split())


EXTRAS = {"flask", "phonenumbers", "limits", "django", "redis", "celery", "holidays", "typer", "rich"}


def test_importing_the_package_imports_next_to_nothing() -> None:
    assert not loaded_by("import smsmobile") & {"requests", "pydantic", "dotenv", "urllib3", *EXTRAS}


def test_a_program_that_sends_an_sms_loads_no_other_channel() -> None:
    loaded = loaded_by("from smsmobile import SMSMobileClient; SMSMobileClient(api_key='k' * 48).sms")
    assert {name for name in loaded if name.startswith("smsmobile.channels.")} == {"smsmobile.channels.sms"}


def test_using_every_public_name_imports_no_extra() -> None:
    assert not loaded_by("from smsmobile import *") & EXTRAS


def test_following_a_message_loads_no_database() -> None:
    assert "sqlite3" not in loaded_by("import smsmobile._sent_log.tracking; from smsmobile import *")


def test_errors_can_be_caught_without_loading_the_client() -> None:
    assert not loaded_by("from smsmobile import SMSMobileError") & {"requests", "pydantic"}


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert resources.files("smsmobile").joinpath("py.typed").is_file()


def test_every_module_says_in_its_docstring_what_lives_there() -> None:
    docstrings = {module_of(path): ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in MODULES}
    first_lines = {module: (text or "").partition("\n")[0] for module, text in docstrings.items()}
    assert [module for module, line in first_lines.items() if not line.endswith((".", ":"))] == []
