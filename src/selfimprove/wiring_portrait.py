"""Wiring of the documents in a private copy: those that `analyze` wrote, as the changed code now has their facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove import wiring_audit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.target import Target


def portrayer(target: Target) -> Callable[[Path, Sequence[str]], Mapping[str, bytes]]:
    """Return what makes the documents of a private copy anew where their facts changed; none that was not there.

    It is given the copy and the paths in it, and returns the new contents by path: nothing where the settings do
    not want it, or where the documents are a person's.
    """
    if not target.settings.analyze.update:
        return lambda _root, _names: {}
    return lambda root, names: _renewed(target, root, names)


def _renewed(target: Target, root: Path, names: Sequence[str]) -> dict[str, bytes]:
    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.codebase.portrait.documents import refresh
    from selfimprove.codebase.portrait.markup import NAMES, is_ours
    from selfimprove.codebase.scan import commit_files
    from selfimprove.reflector.engine import Source

    there = (name for name in names if name.rpartition("/")[2] in NAMES)
    documents = {name: (root / name).read_bytes() for name in there if _is_plain(root / name)}
    if not any(map(is_ours, documents.values())):
        return {}
    engine = wiring_audit.build_engine(target)
    chosen = commit_files(dict.fromkeys(names, ""), (), target.settings.audit.exclude)
    sources = [Source(path, "", root / path) for path in chosen.files if _is_plain(root / path)]
    found = engine.measure(sources)
    failed = {path: one.reason for path, one in found.items() if not isinstance(one, FileMetrics)}
    return refresh(
        root,
        names,
        {path: one for path, one in found.items() if isinstance(one, FileMetrics)},
        documents,
        cache=engine.cache,
        name=target.repo.root.resolve().name,
        not_analysed={**{one.path: one.reason for one in chosen.left_out}, **failed},
    )


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
