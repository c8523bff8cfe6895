"""Target: the repository that is worked on, with its settings, and what a person chose for this run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selfimprove.config import Loaded
    from selfimprove.settings import Settings
    from selfimprove.tools.git.repo import Repo

STATE = ".selfimprove"


class Target(NamedTuple):
    """The repository that is worked on, the settings for it, and the person's own environment.

    ``loaded.environ`` has the names of .env added; that is for the model's key, not for other programs.
    """

    repo: Repo
    loaded: Loaded
    environ: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @property
    def state(self) -> Path:
        """Our own folder in the repository."""
        return self.repo.root / STATE

    @property
    def database(self) -> Path:
        """The state database's file."""
        return self.state / "state.db"

    @property
    def logs(self) -> Path:
        """The folder of logs, kept patches and run records."""
        return self.repo.root / self.settings.logs_dir


class Choices(NamedTuple):
    """What a person says about one run on the command line, besides settings."""

    only: tuple[str, ...] = ()
    resume: int | None = None
    audit: bool = True


def open_target(
    cwd: Path, environ: Mapping[str, str], config: Path | None, flags: Mapping[str, object]
) -> Target:
    """Return the repository around ``cwd`` with its settings. Raises NotARepository or ConfigError."""
    from selfimprove.config import load_settings
    from selfimprove.tools.git.repo import open_repo

    repo = open_repo(cwd, environ)
    loaded = load_settings(repo.root, environ, config_file=config, flags=flags)
    return Target(repo, loaded, environ)
