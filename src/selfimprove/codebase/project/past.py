"""Past: what git knows of a repository that its files do not say: remote, branch, releases, people, the first year."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selfimprove.tools.git.repo import Repo

_ADDRESS = re.compile(
    r"(?:\w[\w+]*://)?(?:[^@/\s]+@)?(?P<host>[\w.-]+\.\w+)(?::\d+)?[:/](?P<path>[\w.~/-]+?)(?:\.git)?/?"
)
_LOGIN = re.compile(
    r"^(?:\d+[+-])?(?P<login>[A-Za-z0-9][A-Za-z0-9_.-]*?)@users\.noreply\.(?P<host>git(?:hub|lab)\.com)$"
)
_VERSION = re.compile(r"^(?P<prefix>[A-Za-z_-]*?)(?P<numbers>\d+(?:\.\d+)+)(?P<more>[\w.+-]*)$")
_MOST = 2000  # commits of which the authors are counted
_DOMINANT = 0.5


class Release(NamedTuple):
    """A tag that is a version: the tag, the version in it, and the day it was made (ISO)."""

    tag: str
    version: str
    date: str


class Past(NamedTuple):
    """What git knows.

    ``host`` and ``slug`` (``owner/name``) are of the remote, ``""`` without one. ``branch`` is the default branch.
    ``releases`` have the newest first. ``first_year`` is that of the oldest commit and ``first_author`` who made it;
    ``authors`` are names by number of commits; ``owner`` is the account of the person who made most of them, where
    their address says it.
    """

    host: str = ""
    slug: str = ""
    branch: str = ""
    releases: tuple[Release, ...] = ()
    first_year: str = ""
    authors: tuple[str, ...] = ()
    first_author: str = ""
    owner: str = ""

    @property
    def forge(self) -> str:
        """``github``, ``gitlab``, or ``""`` for another or unknown place."""
        return next((one for one in ("github", "gitlab") if one in self.host.split(".")), "")

    @property
    def url(self) -> str:
        """The address of the repository's page, ``""`` where it is not known."""
        return f"https://{self.host}/{self.slug}" if self.forge and self.slug else ""


def read_past(repo: Repo) -> Past:
    """Return what ``repo`` knows of itself, offline. Without a commit that is the remote and the present year."""
    remotes = (repo.line("remote") or "").split()
    name = "origin" if "origin" in remotes else next(iter(remotes), "")
    host, slug = _address(repo.line("remote", "get-url", name) or "") if name else ("", "")
    if not repo.head():
        return Past(host, slug, repo.branch() or "", first_year=time.strftime("%Y"))
    quiet = ("--no-show-signature", "--no-mailmap")
    rows = _lines(repo, "log", f"-{_MOST}", *quiet, "--format=%an%x09%ae", "HEAD")
    people = [row.partition("\t")[::2] for row in rows if "[bot]" not in row.partition("\t")[0]]
    roots = _lines(repo, "log", *quiet, "--max-parents=0", "--format=%ad%x09%an", "--date=format:%Y", "HEAD")
    year, _, first = min(roots, default="").partition("\t")
    authors = Counter(one for one, _ in people).most_common()
    return Past(
        host,
        slug,
        _default_branch(repo, name),
        tuple(_releases(repo)),
        year,
        tuple(one for one, _ in authors),
        first,
        _owner([mail for _, mail in people], host),
    )


def _address(url: str) -> tuple[str, str]:
    """Return host and ``owner/name`` of a remote's address, nothing for a folder."""
    found = _ADDRESS.fullmatch(url)
    return (found["host"].lower(), found["path"]) if found and "/" in found["path"] else ("", "")


def _default_branch(repo: Repo, remote: str) -> str:
    """Return the remote's default branch as it was when it was cloned, else the one that is checked out."""
    told = repo.line("symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD") if remote else None
    if told:
        return told.removeprefix(f"{remote}/")
    return (
        next((one for one in ("main", "master") if repo.resolve(f"refs/heads/{one}")), "")
        or repo.branch()
        or ""
    )


def _owner(mails: list[str], host: str) -> str:
    """Return the account that made more than half of the commits, where noreply addresses of ``host`` say so."""
    logins = Counter(
        found["login"] for mail in mails if (found := _LOGIN.match(mail)) and found["host"] == host
    )
    login, count = next(iter(logins.most_common(1)), ("", 0))
    return login if mails and count > _DOMINANT * len(mails) else ""


def _releases(repo: Repo) -> list[Release]:
    """Return the tags on the way to HEAD that are versions, newest first; dates are those of what they point to."""
    form = "--format=%(refname:short)%09%(*committerdate:short)%(committerdate:short)"
    found = []
    for row in _lines(repo, "for-each-ref", "--merged=HEAD", form, "refs/tags"):
        tag, _, date = row.partition("\t")
        if match := _VERSION.match(tag.rpartition("/")[2]):
            found.append(Release(tag, match["numbers"] + match["more"], date[:10]))
    return sorted(found, key=lambda one: (one.date, _key(one.version)), reverse=True)


def _key(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _lines(repo: Repo, *args: str) -> list[str]:
    code, out, _ = repo.ask(*args)
    return [line for line in os.fsdecode(out).splitlines() if line.strip()] if code == 0 else []
