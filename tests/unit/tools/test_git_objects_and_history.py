"""Objects and history on real repositories: complete, in any kind of clone, and nothing is fetched or changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project
from selfimprove.errors import GitError, MissingTool
from selfimprove.model.history import Change, Commit
from selfimprove.tools.git.history import (
    changed,
    first_parents,
    is_shallow,
    merge_base,
    read_history,
    tree_blobs,
)
from selfimprove.tools.git.objects import Objects, is_partial
from selfimprove.tools.git.repo import Repo, open_repo
from selfimprove.tools.shell.stream import Stream

Make = Callable[..., Project]
BODY = "".join(f"line_{number} = {number}\n" for number in range(30))


def opened(made: Project) -> Repo:
    return open_repo(made.root, made.env)


def commit(made: Project, message: str, **files: str | bytes | None) -> str:
    """Write the files (``a_py`` is a.py; None deletes), commit all, and return the commit's id."""
    for name, content in files.items():
        path = name.replace("_py", ".py")
        if content is None:
            (made.root / path).unlink()
        else:
            made.write(path, content)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", message)
    return made.git("rev-parse", "HEAD")


def clone(made: Project, name: str, *options: str) -> Project:
    """Clone over the file protocol, so that depth and filters count."""
    made.git("config", "uploadpack.allowFilter", "true")
    target = made.root.parent / name
    made.git("clone", "-q", *options, made.root.as_uri(), str(target))
    return Project(target, made.env)


def every_file(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return time and content of every file below ``folder``."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def shape(commits: list[Commit] | tuple[Commit, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(one.subject, [(change.old_path, change.path) for change in one.changes]) for one in commits]


@pytest.fixture
def story(project: Make) -> Project:
    """Adds, edits, renames, deletes, adds again, changes modes and line ends, and merges a branch."""
    made = project({"a.py": BODY, "b.py": "b = 1\n", "notes.txt": "x\n", "n.ipynb": "{}"})
    commit(made, "text only", **{"notes.txt": "y\n"})
    made.git("mv", "a.py", "moved.py")
    commit(made, "rename and edit", moved_py=BODY + "more = 1\n")
    commit(made, "delete", b_py=None)
    made.git("checkout", "-q", "-b", "side")
    commit(made, "on the side", c_py="c = 1\n")
    made.git("checkout", "-q", "main")
    commit(made, "add again", b_py="b = 2\n")
    made.git("merge", "-q", "--no-ff", "-m", "a merge", "side")
    (made.root / "b.py").chmod(0o755)
    commit(made, "mode only")
    (made.root / "link.py").symlink_to("b.py")
    commit(made, "a link")
    commit(made, "line ends", c_py="c = 1\r\n")
    return made


STORY = [
    ("line ends", [("c.py", "c.py")]),
    ("add again", [("", "b.py")]),
    ("on the side", [("", "c.py")]),
    ("delete", [("b.py", "b.py")]),
    ("rename and edit", [("a.py", "moved.py")]),
    ("First", [("", "a.py"), ("", "b.py"), ("", "n.ipynb")]),
]


def test_history_tells_what_each_commit_changed(story: Project) -> None:
    history = read_history(opened(story))
    told = shape(history.commits)
    assert sorted(told) == sorted(STORY)  # two were made in one second, on two branches
    assert (told[0], told[-1]) == (STORY[0], STORY[-1])
    assert (history.shallow, history.cut) == (False, False)
    newest = history.commits[0]
    assert newest.changes[0].new == story.git("rev-parse", "HEAD:c.py")
    assert newest.changes[0].old == story.git("rev-parse", "HEAD~1:c.py")
    assert (newest.id, newest.author) == (story.git("rev-parse", "HEAD"), "A Person")
    assert newest.time == float(story.git("log", "-1", "--format=%at"))
    deleted = next(one for one in history.commits if one.subject == "delete").changes[0]
    assert (deleted.new, len(deleted.old)) == ("", 40)


def test_the_limit_counts_all_commits_and_is_told(story: Project) -> None:
    cut = read_history(opened(story), limit=3)  # "line ends", "a link", "mode only": two touch nothing
    assert (shape(cut.commits), cut.cut) == ([STORY[0]], True)
    count = int(story.git("rev-list", "--count", "--no-merges", "HEAD"))
    assert not read_history(opened(story), limit=count).cut


def test_first_parents_are_the_branchs_own_line(story: Project) -> None:
    line = first_parents(opened(story), 100)
    assert [one.subject for one in line] == [
        *("line ends", "a link", "mode only", "a merge", "add again", "delete", "rename and edit"),
        *("text only", "First"),
    ]
    assert [(change.old_path, change.path) for change in line[3].changes] == [("", "c.py")]
    assert [one.id for one in first_parents(opened(story), 2, "HEAD~3")] == [one.id for one in line[3:5]]
    with pytest.raises(GitError, match="there is no commit nowhere here"):
        first_parents(opened(story), 2, "nowhere")


def test_undoing_every_change_leads_from_head_to_nothing(story: Project) -> None:
    repo = opened(story)
    tree = tree_blobs(repo, "HEAD")
    for one in first_parents(repo, 100):
        assert tree == tree_blobs(repo, one.id)
        for change in one.changes:
            if change.new:
                assert tree.pop(change.path) == change.new
        tree |= {change.old_path: change.old for change in one.changes if change.old}
    assert tree == {}


HOSTILE = {
    "log.showSignature": "true",
    "log.follow": "true",
    "log.showRoot": "false",
    "log.diffMerges": "off",
    "log.date": "relative",
    "log.decorate": "full",
    "log.mailmap": "false",
    "diff.renames": "false",
    "diff.renameLimit": "1",
    "diff.relative": "true",
    "diff.noprefix": "true",
    "diff.external": "false",
    "diff.orderFile": "/nowhere",
    "diff.ignoreSubmodules": "none",
    "diff.mine.textconv": "false",
    "core.quotePath": "true",
    "core.abbrev": "4",
    "core.pager": "false",
    "core.fsmonitor": "false",
    "color.ui": "always",
    "format.pretty": "fuller",
    "format.notes": "*",
    "i18n.logOutputEncoding": "latin1",
}


def test_no_configuration_changes_what_is_told(story: Project) -> None:
    commit(story, "mine", **{".gitattributes": "*.py diff=mine\n", "é_py": "e = 1\n"})
    repo = opened(story)
    story.git("notes", "add", "-m", "a note")
    plain = read_history(repo), first_parents(repo, 50), tree_blobs(repo, "HEAD")
    for name, value in HOSTILE.items():
        story.git("config", name, value)
    inside = Repo(story.root, repo.git_dir, repo.common_dir, repo.environ)
    assert (read_history(inside), first_parents(inside, 50), tree_blobs(inside, "HEAD")) == plain


def test_names_and_messages_of_any_encoding(project: Make) -> None:
    made = project({".mailmap": "Real Name <person@example.org>\n"})
    name = os.fsdecode(b"caf\xe9.py")
    made.write(name, "x = 1\n")
    made.write("\2 new\nline.py", "x = 2\n")
    made.write('q".py', "x = 3\n")
    made.git("add", "-A")
    made.git("config", "i18n.commitEncoding", "latin1")
    message = made.root.parent / "message"
    message.write_bytes(b"caf\xe9 subject\n")
    made.git("commit", "-q", "-F", str(message))
    made.git("config", "i18n.commitEncoding", "utf-8")
    made.write("bad.py", "")
    made.git("add", "-A")
    tree, parent = made.git("write-tree"), made.git("rev-parse", "HEAD")
    # git itself would not write these: a name and a message that are in no known encoding, and no date.
    raw = f"tree {tree}\nparent {parent}\nauthor A \udcff <> \ncommitter C <c@d> 1 +0000\n"
    message.write_bytes(os.fsencode(raw) + b"encoding x-none\n\nnot \xff UTF-8\n")
    made.git("reset", "-q", made.git("hash-object", "-t", "commit", "-w", "--literally", str(message)))
    made.write("bad.py", "x")
    made.git("commit", "-qa", "--allow-empty-message", "-m", "")
    silent, bad, latin = read_history(opened(made)).commits
    assert (latin.subject, latin.author) == ("café subject", "Real Name")
    assert {change.path for change in latin.changes} == {name, "\2 new\nline.py", 'q".py'}
    strange = "\N{REPLACEMENT CHARACTER}"
    assert (bad.subject, bad.author, bad.time) == (f"not {strange} UTF-8", f"A {strange}", 0.0)
    assert (silent.subject, silent.changes[0].path) == ("", "bad.py")
    assert name in tree_blobs(opened(made), "HEAD")


def test_a_shallow_clone_says_so_and_invents_no_changes(story: Project) -> None:
    shallow = clone(story, "shallow", "--depth", "3")
    repo = opened(shallow)
    history = read_history(repo)
    assert (is_shallow(repo), history.shallow) == (True, True)
    assert shape(history.commits) == [STORY[0]]
    line = first_parents(repo, 50)
    assert [one.subject for one in line] == ["line ends", "a link", "mode only"]
    assert line[-1].changes == ()
    assert not is_shallow(opened(story))


def test_a_partial_clone_has_history_and_fetches_nothing(story: Project) -> None:
    partial = clone(story, "partial", "--filter=blob:none", "--no-checkout")
    repo = opened(partial)
    before = every_file(partial.root / ".git")
    history, whole = read_history(repo), read_history(opened(story))
    assert [one.id for one in history.commits] == [one.id for one in whole.commits]
    # That one was renamed cannot be seen without its content, only that the content went and came.
    assert ("rename and edit", [("a.py", "a.py"), ("", "moved.py")]) in shape(history.commits)
    ids = [change.new for one in whole.commits for change in one.changes if change.new]
    with Objects(repo) as objects:
        assert list(objects.read(ids)) == [(one, None) for one in ids]
    partial.git("cat-file", "blob", ids[0])  # git itself fetches this one, with a person's leave
    with Objects(repo) as objects:
        found = dict(objects.read([*ids[1:], ids[0]]))
    assert [one for one, content in found.items() if content is not None] == [ids[0]]
    assert is_partial(repo)
    assert not is_partial(opened(story))
    new = {name for name in every_file(partial.root / ".git").keys() - before.keys() if "/pack/" not in name}
    assert not new


def test_repositories_of_other_kinds(story: Project, tmp_path: Path) -> None:
    whole = read_history(opened(story))
    story.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    story.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", story.root.as_uri(), "sub")
    for place in (tmp_path / "tree", story.root / "sub"):
        repo = open_repo(place, story.env)
        assert read_history(repo) == whole
        assert tree_blobs(repo, "HEAD") == tree_blobs(opened(story), "HEAD")
        assert changed(repo, "HEAD") == []
    story.git("commit", "-q", "-m", "submodule")
    assert "sub" not in tree_blobs(opened(story), "HEAD")
    assert read_history(opened(story)) == whole
    story.git("checkout", "-q", "--detach", "HEAD~1")
    assert read_history(opened(story)) == whole


def test_sha256_and_nothing_at_all(project: Make, tmp_path: Path, clean_env: dict[str, str]) -> None:
    empty = opened(project(commit=False))
    assert (read_history(empty).commits, first_parents(empty, 5)) == ((), [])
    with pytest.raises(GitError, match="there is no commit yet"):
        merge_base(empty, "main")
    root = tmp_path / "long"
    root.mkdir()
    long = Project(root, clean_env)
    long.git("init", "-q", "-b", "main", "--object-format=sha256")
    commit(long, "one", a_py="a = 1\n")
    repo = opened(long)
    (blob,) = tree_blobs(repo, "HEAD").values()
    assert (len(blob), read_history(repo).commits[0].changes) == (64, (Change("", blob, "", "a.py"),))
    with Objects(repo) as objects:
        assert list(objects.read([blob])) == [(blob, b"a = 1\n")]
    long.write("a.py", "a = 2\n")
    long.write("b.py", "b = 2\n")
    assert changed(repo, "HEAD") == [Change(blob, "", "a.py", "a.py"), Change("", "", "", "b.py")]


def test_a_damaged_repository_is_an_error_in_words(story: Project) -> None:
    tree = story.git("rev-parse", "HEAD~1^{tree}")
    (story.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    for read in (read_history, lambda repo: first_parents(repo, 5), lambda repo: tree_blobs(repo, "HEAD~1")):
        with pytest.raises(GitError, match="fatal") as raised:
            read(opened(story))
        assert "git fsck" in raised.value.hint


def test_objects_in_order_whatever_they_are(project: Make) -> None:
    contents = [b"", b"\n", b"no end", b"\0" * 100_000, b"x = '\xff'\r\n", *(b"%d\n" % n for n in range(300))]
    made = project({f"{number}.py": content for number, content in enumerate(contents)})
    tree = tree_blobs(opened(made), "HEAD")
    ids = [tree[f"{number}.py"] for number in range(len(contents))]
    made.git("replace", ids[0], ids[2])
    with Objects(opened(made)) as objects:
        assert [content for _, content in objects.read(ids)] == contents
        strange = [made.git("rev-parse", "HEAD^{tree}"), "0" * 40, "HEAD", "", "a b", f"{ids[1]}\n", "-x"]
        assert list(objects.read(strange)) == [(one, None) for one in strange]
        for one, (outer, content) in enumerate(
            objects.read(ids[:9])
        ):  # one inside of the other, and given up
            assert next(iter(objects.read([ids[3]]))) == (ids[3], contents[3])
            assert (outer, content) == (ids[one], contents[one])
            if one == 5:
                break
        assert next(iter(objects.read([ids[1]]))) == (ids[1], contents[1])


def test_a_damaged_object_does_not_end_the_others(project: Make) -> None:
    made = project({"a.py": "a = 1\n", "b.py": "b = 1\n", "c.py": BODY})
    tree = tree_blobs(opened(made), "HEAD")
    file = made.root / ".git/objects" / tree["a.py"][:2] / tree["a.py"][2:]
    file.chmod(0o644)
    file.write_bytes(b"rubbish")
    with Objects(opened(made)) as objects:
        found = dict(objects.read([tree["a.py"], tree["b.py"], tree["a.py"], tree["c.py"]]))
    assert found == {tree["a.py"]: None, tree["b.py"]: b"b = 1\n", tree["c.py"]: BODY.encode()}


def children() -> set[str]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(own.read_text().split())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_no_process_is_left_after_the_end_or_an_exception(story: Project) -> None:
    before = children()
    blob = story.git("rev-parse", "HEAD:b.py")
    with pytest.raises(KeyboardInterrupt), Objects(opened(story)) as objects:
        next(iter(objects.read([blob])))
        assert len(children() - before) == 1
        raise KeyboardInterrupt
    assert children() == before


def test_a_program_that_is_missing_or_ends(tmp_path: Path, clean_env: dict[str, str]) -> None:
    with pytest.raises(MissingTool, match="no-such-program cannot be started"):
        Stream(["no-such-program"], cwd=tmp_path, env=clean_env)
    with Stream(["sh", "-c", "read x; echo said $x"], cwd=tmp_path, env=clean_env) as stream:
        assert stream.ask(b"one") == b"said one\n"
        assert stream.ask(b"two") == b""
        assert stream.read(5) == b""


def test_merge_base(story: Project) -> None:
    repo = opened(story)
    assert merge_base(repo, "side") == story.git("rev-parse", "side")
    assert merge_base(repo, "HEAD~2") == story.git("rev-parse", "HEAD~2")
    story.git("checkout", "-q", "--orphan", "other")
    story.git("commit", "-q", "-m", "alone")
    with pytest.raises(GitError, match="HEAD and main have no common commit") as raised:
        merge_base(repo, "main")
    assert "never met" in raised.value.hint


def mended(made: Project, ref: str) -> GitError:
    with pytest.raises(GitError) as raised:
        merge_base(opened(made), ref)
    return raised.value


def test_merge_base_says_the_line_that_mends_it(story: Project) -> None:
    story.git("checkout", "-q", "side")
    single = clone(story, "single", "--depth", "1", "--single-branch", "--branch", "side")
    story.git("checkout", "-q", "main")
    error = mended(single, "main")
    assert error.message == "there is no branch, tag or commit main here"
    line = "git fetch --unshallow origin main:refs/remotes/origin/main"
    assert error.hint == f"{line}, and then say origin/main"
    assert mended(single, "origin/main").hint.endswith(line)
    assert mended(single, "HEAD~9").hint == "git fetch --unshallow"
    single.git("fetch", "origin", line.split()[-1], "--depth=1")
    assert mended(single, "main").hint == "did you mean origin/main?"
    assert mended(single, "orgin/main").hint.startswith("did you mean origin/main?")
    error = mended(single, "origin/main")
    assert error.message == "HEAD and origin/main have no common commit in this shallow clone"
    assert "fetch-depth: 0" in error.hint
    single.git(*line.split()[1:])
    assert merge_base(opened(single), "origin/main") == story.git("rev-parse", "side")
    assert mended(story, "mian").hint == "did you mean main?"
    assert "git branch -a" in mended(story, "zzz").hint
    assert "git log" in mended(story, "main~99").hint


def test_changed_is_what_the_tree_has_that_the_commit_has_not(story: Project) -> None:
    repo = opened(story)
    base = tree_blobs(repo, "HEAD")
    assert changed(repo, "HEAD") == []
    os.utime(story.root / "b.py", (1, 1))
    story.write("c.py", "c = 1\n")  # was \r\n
    assert changed(repo, "HEAD") == []
    story.write("b.py", "b = 3\n")
    story.write("new.py", "n = 1\n")
    story.write("planned.py", "p = 1\n")
    story.git("add", "-N", "planned.py")
    story.write("staged.py", "s = 1\n")
    story.git("add", "staged.py")
    (story.root / "moved.py").rename(story.root / "again.py")
    (story.root / "n.ipynb").unlink()
    story.write("ignored.py", "")
    story.write(".git/info/exclude", "ignored.py\n")
    before = every_file(story.root)
    assert changed(repo, "HEAD") == [
        Change(base["moved.py"], "", "moved.py", "again.py"),
        Change(base["b.py"], "", "b.py", "b.py"),
        *(Change("", "", "", path) for path in ("new.py", "planned.py", "staged.py")),
    ]
    since = changed(repo, merge_base(repo, "HEAD~6"))
    assert [change.path for change in since] == [
        "again.py", "b.py", "c.py", "new.py", "planned.py", "staged.py"
    ]  # fmt: skip
    assert every_file(story.root) == before


def test_changed_in_a_conflict_a_sparse_tree_and_with_a_forgotten_file(story: Project) -> None:
    repo = opened(story)
    story.git("checkout", "-q", "-b", "theirs", "HEAD~1")
    commit(story, "theirs", b_py="b = 'theirs'\n")
    story.git("checkout", "-q", "main")
    commit(story, "ours", b_py="b = 'ours'\n")
    story.git("merge", "-q", "theirs", check=False)
    story.git("rm", "-q", "--cached", "moved.py")
    story.write("moved.py", BODY)
    blobs = tree_blobs(repo, "HEAD")
    assert changed(repo, "HEAD") == [
        Change(blobs["b.py"], "", "b.py", "b.py"),
        Change(blobs["moved.py"], "", "moved.py", "moved.py"),
    ]
    story.git("reset", "-q", "--hard")
    story.git("update-index", "--skip-worktree", "b.py")
    (story.root / "b.py").unlink()
    assert changed(repo, "HEAD~1") == []
