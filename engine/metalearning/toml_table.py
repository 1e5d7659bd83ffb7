"""From a TOML table to a frozen dataclass, strictly: an unknown key or a value of the wrong type is an error.

Field types may be bool, int, float, str, a StrEnum, `tuple[... , ...]` of one of these, another such dataclass
(a sub-table), `Mapping[str, ...]` of the plain ones (a sub-table whose keys are free), or any of these with `| None`.
Only in lists a number may be nan: there is none at that place of a published table.
"""

import math
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from engine.errors import RecipeError

T = TypeVar("T")
_MOST = 2**63 - 1  # TOML's own limit of whole numbers
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a recipe file, without a byte order mark, and what it says. RecipeError, in one sentence."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {path} cannot be read.", "Give the path of a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The recipe {path.name} is not TOML: {error}.", "Mend that line.") from error


def read_table(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """`table` as `cls`; `where` names it in messages. RecipeError, also from the dataclass's own checks."""
    hints = get_type_hints(cls)
    known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]  # every caller's T is a dataclass
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise RecipeError(f"{where} does not know '{unknown[0]}'.", f"It knows {', '.join(sorted(known))}.")
    needed = [n for n, each in known.items() if each.default is MISSING and each.default_factory is MISSING]
    missing = [name for name in needed if name not in table]
    if missing:
        raise RecipeError(f"{where} lacks '{missing[0]}'.", "Write it into the recipe.")
    return cls(**{name: _value(hints[name], value, where, name) for name, value in table.items()})


def _value(hint: Any, value: object, where: str, name: str) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(each for each in get_args(hint) if each is not types.NoneType)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where}: {name} is not a list.", "Write it in square brackets.")
        each_hint = get_args(hint)[0]
        return tuple(
            each
            if isinstance(each, float) and math.isnan(each) and each_hint is float
            else _value(each_hint, each, where, name)
            for each in value
        )
    if get_origin(hint) is Mapping or (is_dataclass(hint) and isinstance(hint, type)):
        return _sub_table(hint, value, where, name)
    if issubclass(hint, StrEnum):
        choices = [each.value for each in hint]
        if value not in choices:
            raise RecipeError(f"{where}: {name} cannot be {value!r}.", f"Use one of {', '.join(choices)}.")
        return hint(str(value))
    return _plain(hint, value, where, name)


def _sub_table(hint: Any, value: object, where: str, name: str) -> Any:
    if not isinstance(value, Mapping):
        raise RecipeError(f"{where}: {name} is not a table.", f"Write [{name}] and its keys below.")
    if is_dataclass(hint) and isinstance(hint, type):
        return read_table(hint, value, f"[{name}]")
    return {key: _value(get_args(hint)[1], each, f"[{name}]", key) for key, each in value.items()}


def _plain(hint: type, value: object, where: str, name: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise RecipeError(f"{where}: {name} cannot be {value!r}.", f"It must be {_WORDS[hint]}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{where}: {name} cannot be {value}.", "It must be a finite number.")
    if isinstance(value, int) and abs(value) > _MOST:
        raise RecipeError(f"{where}: {name} cannot be as large as {value}.", "Use a smaller number.")
    return value
