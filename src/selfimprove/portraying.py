"""Portraying: writes the three documents about a repository, from facts first and a model's words second."""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from selfimprove import wiring_audit
from selfimprove.atomicfile import replace_file
from selfimprove.errors import ConfigError, UsageError
from selfimprove.model.analyzed import Analyzed, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.asking import Asker
    from selfimprove.codebase.portrait.facts import Check, Hot, Portrait
    from selfimprove.codebase.scan import Scan
    from selfimprove.model.audit import FileFacts
    from selfimprove.model.events import Listener
    from selfimprove.reflector.prose import Prose, Shown
    from selfimprove.target import Target

    Progress = Callable[[int, int], object]
    Asking = Callable[[], AbstractContextManager[Asker | None]]

_HOTTEST, _LEAST_COMMITS, _LEAST_COMPLEX = 10, 2, 10


def analyze(
    target: Target,
    asking: Asking = nullcontext,
    *,
    output_dir: Path | None = None,
    anew: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Analyzed:
    """Write the documents of the person's tree and return what became of them.

    Where facts have changed or a summary is missing (with ``anew``: for all), ``asking`` is entered and what it
    yields is asked for summaries; None asks nobody. What does not carry our marker is a person's and stays as it is.
    ``output_dir`` is what a person named; else the settings count. Raises SelfimproveError; a model that fails costs
    the summaries only.
    """
    files, done = _drafted(target, asking, output_dir, anew=anew, progress=progress)
    for path, data in files.items():
        _write(target.repo.root / path, data)
    return done


def drafted(
    target: Target, asker: Asker | None = None, *, name: str = ""
) -> tuple[dict[str, bytes], Analyzed]:
    """Return the documents that :func:`analyze` would write, by their path from the root, and what became of each.

    Only those that would change are returned; nothing is written. ``name`` is what to call a project that does not
    say its name, where its folder is a copy.
    """
    nothing: Progress = lambda _done, _total: None  # noqa: E731
    return _drafted(target, lambda: nullcontext(asker), None, anew=False, progress=nothing, name=name)


def _drafted(
    target: Target,
    asking: Asking,
    output_dir: Path | None,
    *,
    anew: bool,
    progress: Progress,
    name: str = "",
) -> tuple[dict[str, bytes], Analyzed]:
    from selfimprove.codebase.portrait.documents import pages, renewed
    from selfimprove.codebase.portrait.markup import with_summary

    folder = _folder(target, output_dir)
    portrait = gather(target, progress, name)
    facts = pages(portrait)
    there = {page: _existing(folder / page) for page in facts}
    stale = [page for page, one in there.items() if one.is_stale(facts[page]) or (anew and not one.reason)]
    prose = _summaries(target, asking, portrait, facts) if stale else None
    new = {page: prose.texts[page] for page in stale if prose and page in prose.texts}
    files: dict[str, bytes] = {}
    documents = []
    for page, one in there.items():
        draft = with_summary(facts[page], new[page]) if page in new else renewed(portrait, page, one.text)
        path, state = _shown(target, folder / page), one.state(draft)
        if state == "written":
            files[path] = draft.encode("utf-8", "replace")
        documents.append(Document(path, state, one.summary(draft, new=page in new), one.reason))
    done = Analyzed(tuple(documents), len(portrait.outlines), len(portrait.not_analysed))
    return files, done if prose is None else _with_prose(done, prose)


def _summaries(target: Target, asking: Asking, portrait: Portrait, facts: Mapping[str, str]) -> Prose | None:
    with asking() as asker:
        return None if asker is None else _prose(target, asker, portrait, facts)


@contextmanager
def opened_asker(target: Target, listener: Listener, *, needed: bool = False) -> Iterator[Asker | None]:
    """Yield what asks the model, in a run of its own; None without a model, or with ``analyze.prose`` off.

    Raises NeedsKey or ConfigError where it is ``needed`` and there is none.
    """
    from selfimprove.asking import Asker
    from selfimprove.model.budget import Budget
    from selfimprove.tools.git.repo import BRANCH_PREFIX
    from selfimprove.tools.shell.masking import secret_values
    from selfimprove.wiring import build_memory
    from selfimprove.wiring_llm import build_llm, build_recorder, model_problem

    problem = model_problem(target)
    if problem is not None and needed:
        raise problem
    if problem is not None or not target.settings.analyze.prose:
        yield None
        return
    limits = target.settings.budget
    budget = Budget(None, limits.dollars, limits.tokens, limits.seconds, limits.warning, calls=limits.calls)
    llm = build_llm(target, budget, listener)
    journal, repo = build_memory(target).journal, target.repo
    run = journal.begin_run(repo.head() or "", repo.highest_run(), BRANCH_PREFIX)
    secrets = tuple(secret_values(target.loaded.environ))
    try:
        yield Asker(journal, llm, run.id, secrets=secrets, recorder=build_recorder(target))
    finally:
        journal.end_run(run.id, "finished", None, {})


def _with_prose(done: Analyzed, prose: Prose) -> Analyzed:
    return done._replace(
        problems=prose.problems, invented=prose.invented, tokens=prose.tokens, dollars=prose.dollars
    )


def _folder(target: Target, given: Path | None) -> Path:
    """Return where the documents go. What the repository's own files name lies in it: it may be a stranger's."""
    if given is not None:
        return given
    name, root = target.settings.analyze.output_dir, target.repo.root
    folder, origin = root / name, str(target.loaded.origins.get("analyze.output_dir", ""))
    real = folder.resolve()
    inside = real.is_relative_to(root.resolve()) and ".git" not in real.relative_to(root.resolve()).parts
    if inside or origin.startswith(("command line", "environment")):
        return folder
    raise ConfigError(
        f"analyze.output_dir leads out of the working tree: {name}",
        where=origin,
        hint=f"say it yourself if it is meant: --output-dir {shlex.quote(name)}",
    )


class _There(NamedTuple):
    """The document that is there (``""``: none), and why it is not ours to write (``""``: it is)."""

    text: str
    reason: str

    def is_stale(self, facts: str) -> bool:
        """True for a document of ours that has other facts than ``facts``, or no summary."""
        from selfimprove.codebase.portrait.markup import parted

        said, summary = parted(self.text)
        return not self.reason and (said != facts or not summary)

    def state(self, draft: str) -> str:
        """Return what becomes of the document where ``draft`` is what it should be."""
        return "refused" if self.reason else "unchanged" if self.text == draft else "written"

    def summary(self, draft: str, *, new: bool) -> str:
        """Return the word for the summary of ``draft``: ``new``, ``kept`` from the document, or none."""
        from selfimprove.codebase.portrait.markup import parted

        kept = "kept" if parted(self.text)[1] and parted(draft)[1] else ""
        return "new" if new and not self.reason else kept


def _existing(path: Path) -> _There:
    from selfimprove.codebase.portrait.markup import is_ours

    try:
        if path.is_symlink():
            return _There("", "it is a symbolic link")
        if not path.exists():
            return _There("", "")
        data = path.read_bytes() if path.is_file() else b""
    except OSError as error:
        return _There("", f"it cannot be read ({error.strerror})")
    if is_ours(data):
        return _There(data.decode("utf-8", "replace").replace("\r\n", "\n"), "")
    return _There("", "its first line is not the mark of selfimprove analyze: a person wrote it")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise UsageError(
            f"the document cannot be written: {error.strerror}",
            where=str(path),
            hint="name a folder that you may write to: --output-dir DIR",
        ) from None


def _shown(target: Target, path: Path) -> str:
    root, real = target.repo.root.resolve(), path.parent.resolve() / path.name
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else str(path)


def gather(target: Target, progress: Progress = lambda _done, _total: None, name: str = "") -> Portrait:
    """Return the facts of the person's tree; nothing is written but caches. Raises SelfimproveError."""
    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.codebase.portrait.facts import portrait
    from selfimprove.codebase.portrait.reading import outlines
    from selfimprove.codebase.tree import GitTree
    from selfimprove.reflector.engine import Source
    from selfimprove.tools.git.listing import list_files

    audit, root = target.settings.audit, target.repo.root
    engine = wiring_audit.build_engine(target)
    engine.progress = progress
    tree = GitTree(target.repo, (), audit.exclude, audit.history, engine.cache)
    scan, listing = tree.scan(), list_files(target.repo)
    sources = [Source(path, scan.blobs.get(path, ""), root / path) for path in scan.files]
    found = engine.measure(sources)
    measured = {path: one for path, one in found.items() if isinstance(one, FileMetrics)}
    failed = {path: one.reason for path, one in found.items() if not isinstance(one, FileMetrics)}
    read = outlines(root, listing.names, listing.blobs, engine.cache, engine.workers, progress)
    return portrait(
        root,
        listing.names,
        read,
        measured,
        name=name or root.resolve().name,
        not_analysed={**{one.path: one.reason for one in scan.left_out}, **failed},
        hot=_hot(target, tree, scan, measured),
        checks=find_checks(root, listing.names),
    )


def _hot(target: Target, tree: object, scan: Scan, measured: Mapping[str, object]) -> list[Hot]:
    """Return the files that are complex and change often, by the audit's own heat."""
    import time

    from selfimprove.codebase.portrait.facts import Hot
    from selfimprove.codebase.testing import is_test
    from selfimprove.reflector.matters import Background, enrich

    history, uncommitted = tree.past(scan)  # type: ignore[attr-defined]
    background = Background(history, time.time(), uncommitted, {})
    engine, policy = wiring_audit.build_engine(target), wiring_audit.build_policy(target)
    _, files = enrich((), measured, background, engine, policy)  # type: ignore[arg-type]
    return [Hot(one.path, one.commits) for one in files if _is_hot(one) and not is_test(one.path)][:_HOTTEST]


def _is_hot(one: FileFacts) -> bool:
    return one.heat > 0 and one.commits >= _LEAST_COMMITS and one.complexity > _LEAST_COMPLEX


def find_checks(root: Path, names: Sequence[str]) -> list[Check]:
    """Return how tests and linters are run by the signs in the tree, whatever is installed on this machine."""
    from selfimprove.codebase.portrait.facts import Check
    from selfimprove.executor.commands import Finds, find_suite, wants_pytest
    from selfimprove.executor.proving.linters import linters_set_up

    pytest = wants_pytest(root, names)
    finds = Finds(lambda module: "python" if module != "pytest" or pytest else None, lambda program: program)
    suite = find_suite(root, names, (), finds)
    found = [Check("Tests", suite.command, "files in the repository")] if suite else []
    return found + [
        Check("Lint", name, "its settings in the repository") for name in linters_set_up(root, names)
    ]


def _prose(target: Target, asker: Asker, portrait: Portrait, facts: Mapping[str, str]) -> Prose:
    from selfimprove.codebase.tokens import counter_for
    from selfimprove.reflector.prose import write_prose

    llm = target.settings.llm
    counter = counter_for(asker.llm.backend.model if asker.llm else llm.model or "")
    shown = list(files_to_show(target, portrait, asker.secrets))
    return write_prose(asker, portrait, facts, shown, lambda text: counter.count(text) <= llm.context_tokens)


def files_to_show(target: Target, portrait: Portrait, secrets: Sequence[str] = ()) -> Iterator[Shown]:
    """Yield what of the files a model may be shown, the most telling first, within the limits of the settings."""
    from selfimprove.codebase.fence import private, secret
    from selfimprove.codebase.lines import text_of
    from selfimprove.codebase.measure.record import MeasureError
    from selfimprove.codebase.measure.source import read_source
    from selfimprove.reflector.prose import Shown
    from selfimprove.tools.shell.masking import mask

    limits, left = target.settings.analyze, target.settings.analyze.total_chars
    for path in _telling(portrait, limits.extensions, limits.priority):
        if left <= 0:
            return
        if private(path):
            continue
        try:
            text = text_of(read_source(target.repo.root / path))
        except (MeasureError, OSError):  # it has gone since it was listed, or is too large
            continue
        if secret(text) or not text.strip():
            continue
        most = min(limits.file_chars, left)
        cut = mask(text, secrets)[:most]
        left -= len(cut)
        yield Shown(path, cut, f"the first {most:,} characters" if len(text) > most else "")


def _telling(portrait: Portrait, extensions: Sequence[str], priority: Sequence[str]) -> list[str]:
    """Return the files that may be shown: what the settings put first, then README, manifests, ways in, code."""
    from collections import Counter

    from selfimprove.codebase.portrait.public import is_aside
    from selfimprove.codebase.scan import hits

    manifests = {one.file for one in portrait.stated}
    imported = Counter(target for targets in portrait.graph.edges.values() for target in targets)

    def order(path: str) -> tuple[int, int, int, str]:
        name = path.rpartition("/")[2].lower()
        first = next((at for at, glob in enumerate(priority) if hits(glob, path)), len(priority))
        kind = 0 if name.startswith("readme") and "/" not in path else 1 if path in manifests else 3
        if name in (
            "__main__.py",
            "__init__.py",
            "main.py",
            "index.js",
            "index.ts",
            "main.go",
            "lib.rs",
            "main.rs",
        ):
            kind = 2
        kind = 5 if is_aside(path) and kind > 1 else kind
        return first, kind, -imported[path] if kind > 1 else path.count("/"), path

    endings = tuple(extensions)
    known = [path for path, one in portrait.outlines.items() if one.language and one.lines]
    return sorted((path for path in known if not endings or path.endswith(endings)), key=order)
