"""The public API, written down in public_api.txt, so that no change to it goes unnoticed.

`python tests/unit/test_public_api_file.py` writes the file anew.
"""

from __future__ import annotations

import ast
import difflib
import enum
import inspect
import pkgutil
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ForwardRef, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

import smsmobile

FILE = Path(__file__).with_name("public_api.txt")
COMMAND = "python tests/unit/test_public_api_file.py"
DUNDERS = {"__init__", "__call__", "__enter__", "__exit__", "__iter__", "__next__", "__len__", "__contains__"}


def test_the_public_api_is_the_one_that_is_written_down() -> None:
    written, present = FILE.read_text("utf-8"), public_api()
    diff = "\n".join(
        difflib.unified_diff(written.splitlines(), present.splitlines(), FILE.name, "the code", lineterm="", n=2)
    )
    if diff:
        pytest.fail(f"The public API has changed:\n\n{diff}\n\nIf it should, run `{COMMAND}` and commit {FILE.name}.")


def public_api() -> str:
    """Every public module with its names. A thing that several modules offer is described in one of them."""
    offered = {name: dict(names_of(name)) for name in public_modules()}
    homes: dict[int, str] = {}
    for module, names in offered.items():
        for name, thing in names.items():
            if getattr(thing, "__module__", None) == module or id(thing) not in homes:
                homes[id(thing)] = f"{module}.{name}"
    public = {id(thing) for names in offered.values() for thing in names.values()}
    lines: list[str] = []
    for module, names in offered.items():
        lines += ["", module] if lines else [module]
        for name, thing in sorted(names.items()):
            home = homes[id(thing)]
            described = (is_class(thing) or inspect.isroutine(thing)) and home != f"{module}.{name}"
            lines += [f"    {line}" for line in ([f"{name} = {home}"] if described else describe(name, thing, public))]
    return "\n".join(lines) + "\n"


def public_modules() -> list[str]:
    """All modules without a part that begins with an underscore. Of the sandbox only the package itself is public."""
    names = [module.name for module in pkgutil.walk_packages(smsmobile.__path__, "smsmobile.", onerror=fail)]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    # Those for Django need its settings: tests/contrib/django/test_public_names.py
    apart = ("smsmobile.sandbox.", "smsmobile.contrib.django")
    return ["smsmobile", *sorted(name for name in public if not name.startswith(apart))]


def fail(name: str) -> None:
    raise ImportError(f"{name} cannot be imported")


def names_of(module_name: str) -> Iterator[tuple[str, Any]]:
    """The names in `__all__`; without one, those that the module itself defines."""
    module = import_module(module_name)
    names = vars(module).get("__all__")
    for name in defined_in(Path(module.__file__ or "")) if names is None else names:
        if not name.startswith("_"):
            yield name, getattr(module, name)


def defined_in(path: Path) -> list[str]:
    names = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def describe(name: str, thing: Any, public: set[int]) -> list[str]:
    """The lines on one name: a class with its members, a function with its signature, or what a constant is."""
    if is_class(thing):
        bases = ", ".join(base.__name__ for base in public_bases(thing, public))
        return [f"class {name}({bases})" if bases else f"class {name}", *members(thing, public)]
    if inspect.isroutine(thing):
        return [f"def {name}{signature(thing)}"]
    if get_origin(thing) is not None:
        return [f"{name} = {spell(thing)}"]
    return [f"{name}: {type(thing).__name__}"]


def public_bases(cls: type, public: set[int]) -> list[type]:
    """The bases that users can name; a private base is replaced by its own."""
    bases: list[type] = []
    for base in cls.__bases__:
        bases += public_bases(base, public) if is_private(base, public) else [base]
    return [base for base in dict.fromkeys(bases) if base is not object]


def is_private(cls: type, public: set[int]) -> bool:
    return cls.__module__.split(".")[0] == "smsmobile" and id(cls) not in public


def members(cls: type, public: set[int]) -> list[str]:
    """What the class adds to its public bases: fields in their order, then methods by name."""
    found: dict[str, str] = {}
    if issubclass(cls, enum.Enum):
        found.update((member.name, f"{member.name} = {member.value!r}") for member in cls)
    for owner in cls.__mro__:
        if owner is cls or is_private(owner, public):
            for name, line in (*fields_of(owner, cls), *methods_of(owner), *attributes_of(owner)):
                if name in DUNDERS or not name.startswith("_"):
                    found.setdefault(name, line)
    methods = sorted(name for name, line in found.items() if line.startswith(("def ", "classmethod ", "staticmethod ")))
    fields = [name for name in found if name not in methods]
    return [f"    {found[name]}" for name in (*fields, *methods)]


def fields_of(owner: type, cls: type) -> Iterator[tuple[str, str]]:
    """The annotated names: of a pydantic model with the types as pydantic understands them."""
    fields = cls.model_fields if issubclass(cls, BaseModel) else {}
    for name, annotation in inspect.get_annotations(owner).items():
        if name in fields:
            default = "" if fields[name].is_required() else f" = {value(fields[name].default)}"
            yield name, f"{name}: {spell(fields[name].annotation)}{default}"
        elif not spell(annotation).startswith("ClassVar"):
            default = f" = {value(vars(owner)[name])}" if is_plain(vars(owner).get(name, ...)) else ""
            yield name, f"{name}: {spell(annotation)}{default}"


def methods_of(owner: type) -> Iterator[tuple[str, str]]:
    for name, member in vars(owner).items():
        if (described := describe_member(name, member)) is not None:
            yield name, described


def attributes_of(owner: type) -> Iterator[tuple[str, str]]:
    """What `__init__` sets: `self.name = …`."""
    init = vars(owner).get("__init__")
    if inspect.isfunction(init) and init.__module__.startswith("smsmobile") and not is_dataclass(owner):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(init)))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
                yield node.attr, f"attribute {node.attr}"


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def describe_member(name: str, member: Any) -> str | None:
    if isinstance(member, classmethod) and member.__func__.__module__.startswith("smsmobile"):
        return f"classmethod {name}{signature(member.__func__)}"
    if isinstance(member, staticmethod):
        return f"staticmethod {name}{signature(member.__func__)}"
    if isinstance(member, property):
        return f"property {name}{returned(member.fget)}{', settable' if member.fset else ''}"
    if isinstance(member, cached_property):
        return f"property {name}{returned(member.func)}"
    if inspect.isfunction(member) and member.__module__.startswith("smsmobile"):
        return f"def {name}{signature(member)}"
    return None


def signature(function: Callable[..., Any]) -> str:
    """The parameters and the returned type, spelled alike on every Python."""
    parts, star = [], False
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL}
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        annotation = "" if parameter.annotation is parameter.empty else f": {spell(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else f" = {value(parameter.default)}"
        parts.append(f"{stars}{parameter.name}{annotation}{default}")
    if positional := sum(parameter.kind is parameter.POSITIONAL_ONLY for parameter in parameters):
        parts.insert(positional, "/")
    return f"({', '.join(parts)}){returned(function)}"


def returned(function: Callable[..., Any] | None) -> str:
    annotation = inspect.get_annotations(function).get("return", "") if function else ""
    return f" -> {spell(annotation)}" if annotation != "" else ""


def is_class(thing: Any) -> bool:
    return inspect.isclass(thing) and get_origin(thing) is None  # Python 3.10 takes dict[str, str] for a class


def spell(annotation: Any) -> str:
    """An annotation as one writes it. Where it is text already, it stays as it is."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, list):  # the parameters of a Callable
        return f"[{', '.join(map(spell, annotation))}]"
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if annotation in {None, types.NoneType}:
        return "None"
    if annotation is ...:
        return "..."
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None:
        return getattr(annotation, "__name__", str(annotation))
    if origin is Annotated:
        return spell(inner[0])
    if origin in {Union, types.UnionType}:
        return " | ".join(map(spell, inner))
    if origin is Literal:
        return f"Literal[{', '.join(map(value, inner))}]"
    return f"{spell(origin)}[{', '.join(map(spell, inner))}]"


def is_plain(default: Any) -> bool:
    return default is None or isinstance(default, (bool, int, float, str, bytes, tuple, frozenset, enum.Enum))


def value(default: Any) -> str:
    """A default value; one that has no literal is `...`."""
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    return repr(default) if is_plain(default) else "..."


if __name__ == "__main__":
    FILE.write_text(public_api(), "utf-8")
    print(f"Written: {FILE}", file=sys.stderr)
