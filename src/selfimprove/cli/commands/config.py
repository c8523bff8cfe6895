"""`selfimprove config`: show, get, set, path and schema, and the two example files."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from selfimprove.config import require_setting, set_value, settings_schema
from selfimprove.configfile import OWN, find_repository_config, user_config_path
from selfimprove.errors import UsageError
from selfimprove.pyproject import NAME, find_pyproject
from selfimprove.settings import WRAPPER, Settings, fields, get_value, masked, sections, variable_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selfimprove.config import Loaded

_YAML_HEAD = """\
All settings of selfimprove, each with its default. Copy this file to .selfimprove/config.yaml, or to
config.yaml if it belongs under version control, and remove the # before a setting to change it. The same keys
may stand in pyproject.toml, as [tool.selfimprove.audit] and so on; this file is stronger. Stronger than this
file are the SELFIMPROVE_* variables (see .env.example), then flags. Keys and passwords do not belong here.
`selfimprove config show --origin` says which source won."""
_ENV_HEAD = """\
Copy this file to .env at the root of the repository, and keep .env out of version control. A variable that is
set in the environment wins over its line here; an empty one counts as not set. Names that start with
SELFIMPROVE_ are settings, the others are handed on to the model's client."""
_KEYS_HEAD = """\
The key of the model's provider: one is enough. It belongs here or into the environment, nowhere else."""
_KEYS = {
    "ANTHROPIC_API_KEY": "anthropic/...",
    "OPENAI_API_KEY": "openai/..., and for any server with the same protocol (llm.base_url)",
    "OPENROUTER_API_KEY": "openrouter/...",
    "GEMINI_API_KEY": "gemini/...",
}


def show(loaded: Loaded, *, origin: bool = False) -> list[dict[str, Any]]:
    """Return one row per setting: ``key``, ``value`` (passwords masked) and, if asked, ``origin``."""
    rows: list[dict[str, Any]] = []
    for key in fields():
        row: dict[str, Any] = {"key": key, "value": get(loaded, key)}
        rows.append(row | ({"origin": loaded.origins[key]} if origin else {}))
    return rows


def get(loaded: Loaded, key: str) -> Any:
    """Return the value of one setting, ready for JSON, passwords masked."""
    require_setting(key)
    value = masked(get_value(loaded.settings, key))
    return list(value) if isinstance(value, tuple) else value


def set_setting(
    root: Path | None,
    environ: Mapping[str, str],
    key: str,
    value: str,
    *,
    user: bool = False,
    config_file: Path | None = None,
) -> dict[str, str]:
    """Write one setting into the repository's config file, ``config_file``, or (``user``) the person's own.

    Returns ``key``, ``value`` as typed and the ``path`` of the file.
    """
    if user:
        path = user_config_path(environ)
    elif config_file is not None:
        path = config_file
    elif root is None:
        raise UsageError(
            "there is no repository here to configure", hint=f"selfimprove config set --user {key} {value}"
        )
    else:
        path = _repository_file(root)
    set_value(path, key, value)
    return {"key": key, "value": value, "path": str(path)}


def paths(
    root: Path | None, environ: Mapping[str, str], *, config_file: Path | None = None
) -> list[dict[str, Any]]:
    """Return the files that are looked at, the strongest first: ``source``, ``path`` and ``exists``."""
    found: list[tuple[str, Path]] = [("user", user_config_path(environ))]
    if config_file is not None:
        found.insert(0, ("repository", config_file))
    elif root is not None:
        found.insert(0, ("repository", _repository_file(root)))
    if root is not None:
        if config_file is None and find_pyproject(root) is not None:
            found.insert(1, ("pyproject", root / NAME))
        found.insert(0, (".env", root / ".env"))
    return [{"source": source, "path": str(path), "exists": path.is_file()} for source, path in found]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file."""
    return settings_schema()


def example_yaml() -> str:
    """Return config.yaml.example: every setting with its meaning and default, all commented out."""
    lines = [*_comment(_YAML_HEAD, 0), "", f"{WRAPPER}:"]
    section = ""
    for key, field in fields().items():
        name, _, leaf = key.rpartition(".")
        if name != section:
            section = name
            lines += ["", *_comment(str(sections()[name].__doc__), 2), f"  {name}:"]
        indent = 4 if name else 2
        lines += _comment(str(field.description), indent)
        lines.append(f"{' ' * indent}#{leaf}: {_default(key)}")
    return "\n".join(lines) + "\n"


def example_environment() -> str:
    """Return .env.example: the providers' keys, and every setting as a variable, all commented out."""
    lines = [*_comment(_ENV_HEAD, 0), "", *_comment(_KEYS_HEAD, 0)]
    for name, models in _KEYS.items():
        lines += [f"# For models {models}", f"#{name}="]
    section = None
    for key, field in fields().items():
        name = key.rpartition(".")[0]
        if name != section:
            section = name
            lines += ["", f"## {sections()[name].__doc__ if name else Settings.__doc__}"]
        default = _default(key)
        lines += _comment(str(field.description), 0)
        lines.append(f"#{variable_name(key)}={'' if default == 'null' else default}")
    return "\n".join(lines) + "\n"


def _repository_file(root: Path) -> Path:
    file, _ = find_repository_config(root)
    return file.path if file else root / OWN


def _comment(text: str, indent: int) -> list[str]:
    prefix = " " * indent + "# "
    return textwrap.wrap(text, 108, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)


def _default(key: str) -> str:
    """Return a setting's default as text that is right in YAML and in a variable."""
    default = get_value(Settings(), key)
    if isinstance(default, str):
        return default
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return json.dumps(default)
