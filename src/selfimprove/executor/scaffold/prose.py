"""Prose: the security policy, the guide for contributors and the change log, from facts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.scaffold.recipe import recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.project.facts import Facts

_RELEASES = 20  # releases that a new change log lists
_PREPARES = {
    "python": ("python -m venv .venv", ". .venv/bin/activate"),
    "tox": ("python -m venv .venv", ". .venv/bin/activate"),
}
_HOW = "what it lets an attacker do, the version, and the steps or the code that show it"


def security(facts: Facts) -> str:
    """Return SECURITY.md: which version counts, and how to report. Raises PatchError where nobody can be reached."""
    lines = ["# Security policy", "", "## Versions", "", _latest(facts), ""]
    return "\n".join([*lines, "## Reporting a vulnerability", "", *_reporting(facts)]) + "\n"


def _latest(facts: Facts) -> str:
    if not facts.past.releases:
        branch = f"the branch `{facts.past.branch}`" if facts.past.branch else "the latest commit"
        return f"There is no release yet: please see whether {branch} has the fault."
    return f"The latest release is {facts.past.releases[0].version}: please see whether it has the fault."


def _reporting(facts: Facts) -> Iterator[str]:
    yield "Please do not open a public issue for a vulnerability."
    yield ""
    if facts.past.forge == "github" and facts.past.url:
        yield f"Report it privately at <{facts.past.url}/security/advisories/new>: say {_HOW}."
        if facts.contacts:
            yield f"If that page cannot be opened, write to <{facts.contacts[0]}>."
    elif facts.past.url:
        yield f'Open an issue at <{facts.past.url}/-/issues/new> and tick "This issue is confidential": say {_HOW}.'
    elif facts.contacts:
        yield f"Write to <{facts.contacts[0]}>: say {_HOW}."
    else:
        raise PatchError(
            "nothing says whom to write to", hint="add an author with an e-mail address to the manifest"
        )


def contributing(facts: Facts) -> str:
    """Return CONTRIBUTING.md: how to set the project up, test and lint a change, and hand it in."""
    made = recipe(facts)
    lines = [f"# Contributing to {facts.name}" if facts.name else "# Contributing", ""]
    lines += list(_opening(facts))
    lines += ["## Setting up", "", *_fenced([*_clone(facts), *_PREPARES.get(made.tool, ()), *made.setup]), ""]
    if made.test:
        lines += ["## Running the tests", "", *_fenced([made.test]), ""]
    checks = [*made.lint]
    if facts.has(".pre-commit-config.yaml"):
        checks += ["python -m pip install pre-commit", "pre-commit run --all-files"]
    if checks:
        lines += ["## Checking the style", "", *_fenced(checks), ""]
    lines += ["## Handing in a change", "", *_handing_in(facts)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _opening(facts: Facts) -> Iterator[str]:
    if facts.past.url:
        where = "/-/issues" if facts.past.forge == "gitlab" else "/issues"
        yield f"Bugs and ideas are collected at <{facts.past.url}{where}>; please look there first."
        if policy := _file(facts, "security.md"):
            yield f"Vulnerabilities are reported as [{policy}]({policy}) says, not there."
        yield ""


def _clone(facts: Facts) -> list[str]:
    if not facts.past.url:
        return []
    folder = facts.past.slug.rpartition("/")[2]
    return [f"git clone {facts.past.url}.git", f"cd {folder}"]


def _handing_in(facts: Facts) -> Iterator[str]:
    branch = f" from `{facts.past.branch}`" if facts.past.branch else ""
    request = "merge request" if facts.past.forge == "gitlab" else "pull request"
    yield f"1. Make a branch{branch}."
    step = 2
    yield f"{step}. Make one change{', with a test that fails without it' if facts.test_command else ''}."
    if log := _file(
        facts, "changelog.md", "changes.md", "changes.rst", "changelog.rst", "history.md", "history.rst"
    ):
        step += 1
        yield f"{step}. Say in [{log}]({log}) what changes for users."
    yield f"{step + 1}. Open a {request} that says what changes and why."
    if text := _file(facts, "license", "license.md", "license.txt", "copying", "license.rst"):
        yield ""
        yield f"What you hand in is under the project's licence, see [{text}]({text})."


def _file(facts: Facts, *lower: str) -> str:
    return next((name for wanted in lower for name in facts.names if name.lower() == wanted), "")


def _fenced(commands: list[str]) -> list[str]:
    return (
        ["```console", *(f"$ {one}" for one in commands), "```"]
        if commands
        else ["Nothing has to be installed first."]
    )


def changelog(facts: Facts) -> str:
    """Return CHANGELOG.md in the form of Keep a Changelog, with the releases that there are and their days."""
    name = f"All notable changes to {facts.name} are" if facts.name else "All notable changes are"
    lines = [
        "# Changelog",
        "",
        f"{name} written down here, in the form of",
        "[Keep a Changelog](https://keepachangelog.com/en/1.1.0/).",
        "",
        "## [Unreleased]" if facts.past.url and facts.past.releases else "## Unreleased",
        "",
    ]
    releases = facts.past.releases[:_RELEASES]
    linked = bool(facts.past.url)
    for one in releases:
        lines += [f"## [{one.version}] - {one.date}" if linked else f"## {one.version} - {one.date}", ""]
    if linked and releases:
        lines += list(_links(facts))
    return "\n".join(lines).rstrip("\n") + "\n"


def _links(facts: Facts) -> Iterator[str]:
    """Yield where each heading leads: what came between a release and the one before it."""
    infix = "/-" if facts.past.forge == "gitlab" else ""
    shown, every = facts.past.releases[:_RELEASES], facts.past.releases
    yield f"[Unreleased]: {facts.past.url}{infix}/compare/{shown[0].tag}...HEAD"
    for place, one in enumerate(shown):
        if place + 1 < len(every):
            yield f"[{one.version}]: {facts.past.url}{infix}/compare/{every[place + 1].tag}...{one.tag}"
        else:
            yield f"[{one.version}]: {facts.past.url}{infix}/{'tags' if infix else 'releases/tag'}/{one.tag}"
