"""A project with a bare repository as its remote, and the stand-in for gh (fake_gh.py) first on its PATH."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor_rig import leftovers, prompt, write_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Project


class Server:
    """The project with a bare repository as its remote, and gh as the tests have it."""

    def __init__(self, made: Project) -> None:
        self.made = made
        self.bare = made.root.parent / "remote.git"
        made.git("init", "-q", "--bare", "-b", "main", str(self.bare))
        made.git("remote", "add", "origin", str(self.bare))
        made.git("push", "-q", "-u", "origin", "main")
        self.state = made.root.parent / "gh.json"
        folder = made.root.parent / "bin"
        folder.mkdir()
        program = folder / "gh"
        program.write_text(f"#!{sys.executable}\n" + (Path(__file__).parent / "fake_gh.py").read_text())
        program.chmod(0o755)
        self.env = {"PATH": f"{folder}:{made.env['PATH']}", "GH_STATE": str(self.state)}

    def run(self, replies: Mapping[str, str], *args: str, code: int = 0, review: str = "") -> Any:
        """Run tasks of these names with pull requests wanted."""
        write_tasks(self.made, [prompt(name) for name in replies])
        entries = [{"task": name, "purpose": "edit", "reply": text} for name, text in replies.items()]
        entries += [{"purpose": "review", "reply": review}] if review else []
        env = self.made.replies(*entries) | self.env
        result = self.made.run("run", "--no-audit", "--land", "pr", *args, env=env)
        assert result.code == code, result.err
        assert leftovers(self.made) == []
        return result

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The pull requests that there are."""
        return list(json.loads(self.state.read_text())["requests"]) if self.state.exists() else []

    def set(self, **changes: Any) -> None:
        """Change what gh remembers."""
        data = json.loads(self.state.read_text()) if self.state.exists() else {"requests": [], "calls": []}
        self.state.write_text(json.dumps(data | changes))

    def branches(self) -> dict[str, str]:
        """The branches of the remote."""
        rows = self.made.git("ls-remote", "--heads", "origin").splitlines()
        return {row.split("refs/heads/")[1]: row.split("\t")[0] for row in rows}
