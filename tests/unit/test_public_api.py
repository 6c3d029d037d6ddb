"""The public names, what importing them costs, and the one direction in which the house is built."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import smsmobile
import smsmobile.delivery

SOURCE = Path(smsmobile.__file__).parent
FOLLOWING = [SOURCE / "delivery" / "pauses.py", SOURCE / "delivery" / "tracking.py"]  # what client.sms.track is made of
CORE = sorted([*SOURCE.glob("*.py"), *(SOURCE / "channels").glob("*.py"), *FOLLOWING])


@pytest.mark.parametrize("name", smsmobile.__all__)
def test_every_public_name_can_be_imported_and_is_found_again(name: str) -> None:
    thing = getattr(smsmobile, name)
    assert getattr(smsmobile, name) is thing
    assert name in dir(smsmobile)
    assert name == "__version__" or thing.__module__.startswith("smsmobile")


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


EXTRAS = {"flask", "waitress", "phonenumbers", "limits", "django", "redis", "celery", "typer", "rich"}


def test_importing_the_package_imports_next_to_nothing() -> None:
    assert not loaded_by("import smsmobile") & {"requests", "pydantic", "dotenv", "urllib3", *EXTRAS}


def test_a_program_that_sends_an_sms_loads_no_other_channel() -> None:
    loaded = loaded_by("from smsmobile import SMSMobileClient; SMSMobileClient(api_key='k' * 48).sms")
    assert {name for name in loaded if name.startswith("smsmobile.channels.")} == {"smsmobile.channels.sms"}


def test_using_every_public_name_imports_no_extra() -> None:
    assert not loaded_by("from smsmobile import *") & EXTRAS


@pytest.mark.parametrize("name", smsmobile.delivery.__all__)
def test_every_public_name_of_deliveries_can_be_imported_and_says_what_it_is(name: str) -> None:
    thing = getattr(smsmobile.delivery, name)
    assert thing.__module__.startswith("smsmobile.delivery.")
    assert thing.__doc__
    assert name in dir(smsmobile.delivery)


def test_deliveries_have_no_other_names() -> None:
    with pytest.raises(AttributeError, match=r"module 'smsmobile\.delivery' has no attribute 'Outbox'"):
        smsmobile.delivery.Outbox  # noqa: B018 - asking is the point


def test_following_a_message_loads_no_database() -> None:
    assert "sqlite3" not in loaded_by("import smsmobile.delivery.tracking; from smsmobile import *")


def test_errors_can_be_caught_without_loading_the_client() -> None:
    assert not loaded_by("from smsmobile import SMSMobileError") & {"requests", "pydantic"}


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert resources.files("smsmobile").joinpath("py.typed").is_file()


# --- the house --------------------------------------------------------------------------------------------

# A module may import those in front of it, in these rows and in its own.
FLOORS = [
    ["errors", "wire"],
    ["addresses", "redaction", "retries", "deadlines", "sqlite_files"],
    ["recipients", "arguments", "endpoints", "envelopes", "acceptance", "delivery.pauses"],
    ["transport", "delivery.tracking"],
    ["auth"],
    [
        *("config", "channels.sms", "channels.whatsapp", "channels.devices", "channels.calls"),
        *("channels.notifications", "channels.email", "channels.conversations"),
    ],
    ["client"],
]
ORDER = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def own_imports(path: Path) -> set[str]:
    """Modules of ours that this file imports at run time; those for type checkers alone do not count."""
    package = ["smsmobile", *path.relative_to(SOURCE).parent.parts]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = ".".join([*base, *filter(None, [node.module])])
            if target == "smsmobile":
                found.update(alias.name for alias in node.names)
            elif target.startswith("smsmobile."):
                found.add(target.removeprefix("smsmobile."))
        elif isinstance(node, ast.Import):
            found.update(alias.name.removeprefix("smsmobile.") for alias in node.names if "smsmobile" in alias.name)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found - {"__version__"}


@pytest.mark.parametrize("path", [path for path in CORE if path.stem != "__init__"], ids=module_of)
def test_a_module_imports_only_from_below(path: Path) -> None:
    module = module_of(path)
    floor = ORDER.get(module, ORDER["channels.sms"] if module.startswith("channels.") else None)
    assert floor is not None, f"{module} is new: give it a floor of the house"
    above = {name for name in own_imports(path) if ORDER.get(name, 99) > floor}
    assert above == set(), f"{module} imports from above"


def test_errors_and_spellings_import_nothing_of_ours() -> None:
    for name in FLOORS[0]:
        assert own_imports(SOURCE / f"{name}.py") == set()


@pytest.mark.parametrize("path", sorted((SOURCE / "channels").glob("*.py")), ids=module_of)
def test_channels_do_not_import_each_other_or_the_client(path: Path) -> None:
    imported = own_imports(path)
    assert not {name for name in imported if name.startswith("channels")}
    assert not imported & {"client", "config", "auth"}


def test_only_the_transport_and_authentication_know_requests() -> None:
    doors = {"transport", "auth", "client", "config", "redaction", "deadlines", "addresses"}
    for path in CORE:
        text = path.read_text(encoding="utf-8")
        if module_of(path) not in doors:
            assert "import requests" not in text
            assert "from requests" not in text


@pytest.mark.parametrize("path", CORE, ids=module_of)
def test_every_module_says_in_its_docstring_what_lives_there(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ":"))
