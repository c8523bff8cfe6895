"""Updates: what tells of newer dependencies: Dependabot's configuration at GitHub, Renovate's at GitLab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError

if TYPE_CHECKING:
    from selfimprove.codebase.project.facts import Facts


def dependabot(facts: Facts) -> str:
    """Return .github/dependabot.yml for the package managers in use. Raises PatchError when there are none."""
    found = dict(facts.ecosystems)
    if any(name.startswith(".github/workflows/") for name in facts.names):
        found["github-actions"] = ("/",)
    if not found:
        raise PatchError("no manifest names a dependency")
    lines = ["version: 2", "updates:"]
    for ecosystem, folders in sorted(found.items()):
        lines += [f"  - package-ecosystem: {ecosystem}"]
        if len(folders) == 1:
            lines += [f"    directory: {json.dumps(folders[0])}"]
        else:
            lines += ["    directories:", *(f"      - {json.dumps(one)}" for one in folders)]
        lines += ["    schedule:", "      interval: monthly"]
        # One request a month instead of one for each package.
        lines += ["    groups:", f"      {ecosystem}:", '        patterns: ["*"]']
    return "\n".join(lines) + "\n"


def renovate(_facts: Facts) -> str:
    """Return renovate.json; Renovate finds the manifests itself."""
    data = {"$schema": "https://docs.renovatebot.com/renovate-schema.json", "extends": ["config:recommended"]}
    return json.dumps(data, indent=2) + "\n"
