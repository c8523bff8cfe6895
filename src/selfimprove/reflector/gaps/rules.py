"""Rules: the files of good practice, under which other names they may be there, and when each makes sense."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.project.licence import KNOWN
from selfimprove.codebase.project.manifest import table
from selfimprove.codebase.project.pyparts import bundles, missing_parts, package_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.codebase.project.facts import Facts

_DOC = r"(\.(md|rst|txt|adoc|markdown|html|org))?"
_PLACES = r"(\.github/|\.gitlab/|docs?/)?"
_CODE = frozenset(
    (
        *(
            "python",
            "javascript",
            "typescript",
            "go",
            "rust",
            "java",
            "kotlin",
            "scala",
            "c",
            "cpp",
            "csharp",
        ),
        *("ruby", "php", "swift", "elixir", "erlang", "haskell", "clojure", "dart", "lua", "perl", "julia"),
        *("r", "ocaml", "bash", "objc", "zig", "nim", "fsharp", "groovy", "vue"),
    )
)
_IMAGES = frozenset(("python", "npm", "pnpm", "yarn", "cargo", "go", "bundle", "rake"))
_RUNNERS = _IMAGES | {"bun", "mvn", "./mvnw", "gradle", "./gradlew", "dotnet", "vendor/bin/phpunit", "make"}
"""What tests begin with that a CI recipe is known for: in an image of the language, on a runner of GitHub."""

_CHECKERS = ("mypy", "pyright", "basedpyright", "ty", "pyre")
_TYPED = 0.9
"""Share of public functions with types from which on a package is annotated; half of that where a checker is set up."""


class Verdict(NamedTuple):
    """What a rule says where its file is not there: make ``files`` for a ``reason``, or do not.

    Without ``files`` it makes no sense here, or is ``there`` already; with a ``hint`` it does once a person decides.
    """

    reason: str
    files: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    hint: str = ""
    allow: tuple[str, ...] = ()
    there: str = ""


class Rule(NamedTuple):
    """A file of good practice. ``present`` matches paths in lower case under which it counts as being there.

    ``wants`` is asked when none of them is.
    """

    id: str
    name: str
    title: str
    present: re.Pattern[str] | None
    wants: Callable[[Facts], Verdict]


def _licence(facts: Facts) -> Verdict:
    told = tuple(f"{one.where}: {one.words}" for one in facts.statements)
    choose = "selfimprove scaffold license --license MIT (or another SPDX identifier)"
    if not facts.licence:
        what = "nothing says under which licence it is"
        if told:
            what = f"what it says does not mean one known licence: {'; '.join(told)[:160]}"
        return Verdict(what, ("LICENSE",), told, choose)
    if facts.licence not in KNOWN:
        return Verdict(f"the text of {facts.licence} is not at hand", ("LICENSE",), told, choose)
    files = ("COPYING.LESSER", "COPYING") if facts.licence == "LGPL-3.0" else ("LICENSE",)
    said = "you chose it" if facts.choice else f"{facts.statements[0].where} says so"
    return Verdict(f"it is under {facts.licence} ({said}), and the text is missing", files, told)


def _security(facts: Facts) -> Verdict:
    if not _CODE & {*facts.languages}:
        return Verdict("there is no program in it")
    if facts.past.url:
        return Verdict(
            "nothing says how to report a vulnerability", ("SECURITY.md",), (f"remote: {facts.past.url}",)
        )
    if facts.contacts:
        return Verdict(
            "nothing says how to report a vulnerability", ("SECURITY.md",), (f"contact: {facts.contacts[0]}",)
        )
    hint = "add a remote, or an author with an e-mail address to the manifest"
    return Verdict("nothing says whom to write to", ("SECURITY.md",), (), hint)


def _contributing(facts: Facts) -> Verdict:
    if not facts.test_command and not facts.ecosystems:
        return Verdict("nothing is known of how it is built or tested")
    evidence = (f"tests: {facts.test_command}",) if facts.test_command else ()
    return Verdict("nothing says how to set it up and test a change", ("CONTRIBUTING.md",), evidence)


def _codeowners(facts: Facts) -> Verdict:
    folder = {"github": ".github/CODEOWNERS", "gitlab": ".gitlab/CODEOWNERS"}.get(facts.past.forge)
    if not folder:
        return Verdict("no remote at GitHub or GitLab")
    if not facts.past.owner:
        reason = "no account made most of the commits under an address that names it"
        return Verdict(reason, (folder,), (), "write it by hand: * @account")
    evidence = (f"commits: most are by @{facts.past.owner}",)
    return Verdict("nobody is asked to review changes by default", (folder,), evidence)


def _gitignore(facts: Facts) -> Verdict:
    known = [one for one in facts.languages if one in _CODE]
    if not known:
        return Verdict("no language in it leaves files behind")
    return Verdict("nothing keeps built files out", (".gitignore",), (f"languages: {', '.join(known[:6])}",))


def _editorconfig(facts: Facts) -> Verdict:
    told = [
        f"{end}: {one.indent} {one.size or ''}".rstrip() for end, one in facts.styles.items() if one.indent
    ]
    if not told:
        return Verdict("no file in it is indented in one way")
    return Verdict("editors are not told how its files are written", (".editorconfig",), tuple(told[:6]))


def _precommit(facts: Facts) -> Verdict:
    if "python" not in facts.languages or not facts.manifests:
        return Verdict("pre-commit is a tool of Python projects")
    return Verdict("nothing checks a commit before it is made", (".pre-commit-config.yaml",))


def _ci(facts: Facts) -> Verdict:
    if not facts.test_command:
        return Verdict("there are no tests to run")
    evidence = (f"tests: {facts.test_command}",)
    runs = _IMAGES if facts.past.forge == "gitlab" else _RUNNERS
    if facts.test_command.partition(" ")[0] not in runs:
        return Verdict(f"it is not known what has to be installed for {facts.test_command}", (), evidence)
    if facts.past.forge == "gitlab":
        return Verdict("no change is tested on its own", (".gitlab-ci.yml",), evidence)
    if facts.past.forge == "github" or any(name.startswith(".github/") for name in facts.names):
        return Verdict("no change is tested on its own", (".github/workflows/ci.yml",), evidence)
    return Verdict("no remote says where it would run", (), evidence)


def _updates(facts: Facts) -> Verdict:
    known = [one for one in facts.ecosystems if one != "pub" or facts.past.forge == "github"]
    workflows = any(name.startswith(".github/workflows/") for name in facts.names)
    if not known and not workflows:
        return Verdict("it has no dependencies that a manifest names")
    evidence = (f"manifests: {', '.join([*known, *(['github-actions'] if workflows else [])])}",)
    if facts.past.forge == "gitlab":
        return Verdict("nothing tells of newer dependencies", ("renovate.json",), evidence)
    if facts.past.forge == "github" or any(name.startswith(".github/") for name in facts.names):
        return Verdict("nothing tells of newer dependencies", (".github/dependabot.yml",), evidence)
    return Verdict("no remote says which service would update them")


def _pyproject(facts: Facts) -> Verdict:
    parts = missing_parts(facts)
    if "pyproject.toml" in facts.taken and not facts.has("pyproject.toml"):
        return Verdict("it is in your tree and not in the last commit")
    if not parts:
        there = "pyproject.toml" if facts.has("pyproject.toml") else ""
        return Verdict("" if there else "not a Python project", there=there)
    keys = ", ".join(f"[{one.table}] {one.key}" for one in parts)
    allow = ("dependencies",) if any(one.table == "build-system" for one in parts) else ()
    verb = "lacks" if facts.has("pyproject.toml") else "is not there; it would have"
    return Verdict(f"{verb} {keys}", ("pyproject.toml",), tuple(one.why for one in parts), allow=allow)


def _typed(facts: Facts) -> Verdict:
    if not facts.packages or not facts.has("pyproject.toml", "setup.py", "setup.cfg"):
        return Verdict("no Python package is built from it")
    bare = [one for one in facts.packages if f"{one.folder}/py.typed".lower() not in facts.lower]
    least = _TYPED / 2 if _is_type_checked(facts) else _TYPED
    lacking = [one for one in bare if one.annotated >= least]
    if not lacking:
        if not bare:
            return Verdict("", there=f"{facts.packages[0].folder}/py.typed")
        return Verdict("its functions are not annotated")
    if not bundles(facts):
        return Verdict("its build backend is not known, so it might not reach a wheel")
    evidence = tuple(
        f"{one.folder}: {one.annotated:.0%} of the public functions have types" for one in lacking
    )
    files = tuple(f"{one.folder}/py.typed" for one in lacking)
    more = ("pyproject.toml",) if package_data(facts) else ()
    return Verdict("type checkers pass over its annotations", (*files, *more), evidence)


def _is_type_checked(facts: Facts) -> bool:
    own = facts.manifest("pyproject.toml")
    tools = table(own.data if own else {}, "tool")
    return facts.has("mypy.ini", ".mypy.ini", "pyrightconfig.json") or not tools.keys().isdisjoint(_CHECKERS)


def _changelog(facts: Facts) -> Verdict:
    tags = facts.past.releases
    if not tags and not facts.manifests:
        return Verdict("nothing is released from it")
    evidence = (f"tags: {tags[0].tag} of {tags[0].date}, {len(tags)} in all",) if tags else ()
    return Verdict("nothing tells users what a release changed", ("CHANGELOG.md",), evidence)


def _paths(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# In the order in which the files are made: a later one may speak of those before it.
RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            *("SI701", "license", "A licence"),
            _paths(
                rf"((mit|bsd|apache|[al]?gpl|mpl|isc)[-_.])?(licen[cs]es?|copying|unlicen[cs]e)([-_.][\w.-]+)?{_DOC}|licenses?/.+"
                rf"|copyright{_DOC}|docs?/licen[cs]e{_DOC}"
            ),
            _licence,
        ),
        Rule(
            "SI702", "security", "A security policy", _paths(rf"{_PLACES}security(\.txt)?{_DOC}"), _security
        ),
        Rule(
            *("SI704", "codeowners", "Owners of the code"),
            _paths(rf"{_PLACES}(codeowners|owners|maintainers){_DOC}"),
            _codeowners,
        ),
        Rule("SI705", "gitignore", "Files that git ignores", _paths(r"\.gitignore"), _gitignore),
        Rule("SI706", "editorconfig", "Settings of editors", _paths(r"\.editorconfig"), _editorconfig),
        Rule(
            *("SI707", "pre-commit", "Checks before a commit"),
            _paths(
                r"\.pre-commit-config\.ya?ml|prek\.toml|\.?lefthook\.(ya?ml|toml|json)|\.overcommit\.yml|\.husky/.+"
                r"|\.githooks/.+|\.lintstagedrc.*"
            ),
            _precommit,
        ),
        Rule(
            *("SI708", "ci", "Tests of every change"),
            _paths(
                r"\.(github|gitea|forgejo)/workflows/.+\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/.+ci.*\.ya?ml|\.travis\.ya?ml"
                r"|\.circleci/.+|\.?azure-pipelines.*\.ya?ml|\.azure(-pipelines)?/.+\.ya?ml|jenkinsfile.*"
                r"|\.?appveyor\.ya?ml|\.drone\.ya?ml|\.woodpecker(\.ya?ml|/.+)|bitbucket-pipelines\.ya?ml"
                r"|\.buildkite/.+|\.cirrus\.(ya?ml|star)|\.builds?/.+\.ya?ml|\.build\.ya?ml|\.semaphore/.+|zuul\.ya?ml"
                r"|\.zuul\.(ya?ml|d/.+)|cloudbuild\.ya?ml|\.teamcity/.+|codefresh\.ya?ml"
            ),
            _ci,
        ),
        Rule(
            *("SI709", "dependabot", "News of dependencies"),
            _paths(
                r"\.github/dependabot\.ya?ml|\.dependabot/config\.ya?ml|(\.github/|\.gitlab/)?renovate\.json5?"
                r"|\.renovaterc(\.json5?)?|\.pyup\.ya?ml|\.scala-steward\.conf|\.whitesource"
            ),
            _updates,
        ),
        Rule("SI710", "pyproject", "pyproject.toml", None, _pyproject),
        Rule("SI711", "py-typed", "A marker of types", None, _typed),
        Rule(
            *("SI712", "changelog", "A change log"),
            _paths(
                rf"(docs?/([\w-]+/)?)?(changes?|change[-_]?logs?|history|news|releases?|release[-_]?notes?|whatsnew"
                rf"|what[-_]?s[-_]?new){_DOC}|changes/.+|(docs?/)?(changelogs?|release[-_]?notes|whatsnew|releases)/.+"
                r"|changelog\.d/.+|newsfragments/.+|\.changeset/.+|doc/[\w-]+/(changelog|history|changes)\.rst"
            ),
            _changelog,
        ),
        Rule(
            *("SI703", "contributing", "A guide for contributors"),
            _paths(
                rf"{_PLACES}(contributing|hacking|development|developing)([-_.]guide)?{_DOC}|docs?/contributing/.+"
            ),
            _contributing,
        ),
    )
}
ALIASES = {
    "licence": "license",
    "renovate": "dependabot",
    "precommit": "pre-commit",
    "py.typed": "py-typed",
    "typed": "py-typed",
    "workflow": "ci",
    "owners": "codeowners",
    "pyproject.toml": "pyproject",
}
"""Other names that a person may use."""
