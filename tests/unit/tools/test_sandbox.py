"""The sandbox, with real bubblewrap: what code inside sees, what it cannot reach, that it ends with us."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.errors import MissingTool, SelfimproveError
from selfimprove.tools.shell.guards import probe
from selfimprove.tools.shell.limits import Limits
from selfimprove.tools.shell.mounts import View
from selfimprove.tools.shell.process import MARKER, Completed, kill_marked
from selfimprove.tools.shell.sandbox import Sandbox, find_sandbox
from selfimprove.tools.shell.seccomp import program

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]


@dataclass(frozen=True)
class Stage:
    """A person's repository with a private copy of it, and a sandbox."""

    base: Path
    view: View
    environ: dict[str, str]

    @property
    def repo(self) -> Path:
        return self.view.repo

    @property
    def copy(self) -> Path:
        return self.view.copy

    def sandbox(self, **more: str) -> Sandbox:
        return find_sandbox("auto", self.environ | more)

    def run(self, command: str | list[str], **options: Any) -> Completed:
        options.setdefault("limits", Limits(seconds=60))
        return self.sandbox().run(command, self.view, **options)

    def python(self, code: str, **options: Any) -> Completed:
        return self.run([sys.executable, "-c", textwrap.dedent(code)], **options)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def build(base: Path) -> Stage:
    repo, copy = base / "home" / "src" / "repo", base / "cache" / "copy"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "shop.py").write_text("VALUE = 'old'\n")
    (repo / ".gitignore").write_text(".venv/\nnode_modules/\n")
    git(repo, "init", "-q")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "first")
    git(repo, "tag", "v1")
    git(repo, "worktree", "add", "-q", "--detach", str(copy))
    (copy / "src" / "shop.py").write_text("VALUE = 'new'\n")
    (base / "home" / ".ssh").mkdir()
    (base / "home" / ".ssh" / "id_ed25519").write_text("the key")
    view = View(copy, repo, (), repo / ".git" / "worktrees" / "copy", repo / ".git")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(base / "home"),
        "GH_TOKEN": "ghp_nothing",
        "LANG": "C.UTF-8",
    }
    return Stage(base, view, environ)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build(tmp_path)


@pytest.fixture
def open_stage() -> Iterator[Stage]:
    """A stage beside these tests, where neither /tmp nor the real home hides what the sandbox must hide."""
    with tempfile.TemporaryDirectory(prefix=".sandbox-", dir=Path(__file__).parent) as folder:
        yield build(Path(folder))


@pytest.fixture
def token() -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    kill_marked(name)


def marked(token: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARKER}={token}".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            pass
    return found


def eventually(condition: Any) -> Any:
    for _ in range(1000):
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError("it never happened")


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# What is seen


def test_the_copy_is_seen_and_changed_where_the_repository_sits(open_stage: Stage) -> None:
    before = fingerprint(open_stage.repo)
    done = open_stage.run("pwd; cat src/shop.py; echo more > src/more.py; exit 3")
    assert done.exit_code == 3
    assert done.tail == f"{open_stage.repo}\nVALUE = 'new'\n"
    assert (open_stage.copy / "src" / "more.py").read_text() == "more\n"
    assert fingerprint(open_stage.repo) == before


def test_commands_run_in_a_subfolder_with_added_environment(stage: Stage) -> None:
    done = stage.run(["sh", "-c", 'pwd; echo "$EXTRA"'], cwd="src", env={"EXTRA": "a b"})
    assert done.tail == f"{stage.repo}/src\na b\n"


def test_an_editable_install_imports_the_changed_code(stage: Stage) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(stage.repo / ".venv")], check=True)
    (site,) = (stage.repo / ".venv" / "lib").glob("python*/site-packages")
    (site / "shop.pth").write_text(f"{stage.repo}/src\n")
    command = [str(stage.repo / ".venv" / "bin" / "python"), "-c", "import shop; print(shop.VALUE)"]
    plain = find_sandbox("none", stage.environ).run(command, stage.view)
    view = replace(stage.view, overlay=(".venv",))
    mounted = stage.sandbox().run(command, view)
    assert (plain.tail, mounted.tail) == ("old\n", "new\n")


def test_the_overlay_is_read_only_and_leaves_no_litter(stage: Stage) -> None:
    for name in (".venv", "web/node_modules"):
        (stage.repo / name).mkdir(parents=True)
        (stage.repo / name / "file").write_text(f"{name}\n")
    (stage.repo / "web" / ".env").write_text("one file\n")
    view = replace(stage.view, overlay=(".venv", "web/node_modules", "web/.env", "not-there"))
    before = fingerprint(stage.copy)
    done = stage.sandbox().run(
        "cat .venv/file web/node_modules/file web/.env;"
        "touch .venv/new; rm web/node_modules/file; echo > web/.env",
        view,
    )
    assert done.tail.startswith(".venv\nweb/node_modules\none file\n")
    assert done.tail.count("Read-only file system") == 3
    assert fingerprint(stage.copy) == before
    assert not (stage.copy / "web").exists()
    assert not (stage.copy / ".venv").exists()


def test_what_the_code_writes_beside_a_mount_point_stays(stage: Stage) -> None:
    (stage.repo / "web" / "node_modules").mkdir(parents=True)
    view = replace(stage.view, overlay=("web/node_modules",))
    stage.sandbox().run("echo kept > web/index.js", view)
    assert (stage.copy / "web" / "index.js").read_text() == "kept\n"
    assert not (stage.copy / "web" / "node_modules").exists()


@pytest.mark.parametrize("name", ["web/node_modules", "web"])
def test_a_link_that_waits_for_the_overlay_is_refused(stage: Stage, name: str) -> None:
    (stage.repo / "web" / "node_modules").mkdir(parents=True)
    outside = stage.base / "outside"
    outside.mkdir()
    (stage.copy / name).parent.mkdir(exist_ok=True)
    (stage.copy / name).symlink_to(outside)
    with pytest.raises(SelfimproveError, match="in the way"):
        stage.sandbox().run("true", replace(stage.view, overlay=("web/node_modules",)))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["/etc", "../other", ""])
def test_an_overlay_outside_the_repository_is_refused(stage: Stage, name: str) -> None:
    with pytest.raises(SelfimproveError, match="inside the repository"):
        stage.sandbox().run("true", replace(stage.view, overlay=(name,)))


def test_git_reads_but_cannot_write(stage: Stage) -> None:
    before = fingerprint(stage.repo)
    done = stage.run("git log --format=%s && git describe --tags && git status --short && git ls-files")
    assert done.tail == "first\nv1\n M src/shop.py\n.gitignore\nsrc/shop.py\n"
    refused = stage.run(
        "git branch mine && echo WROTE; git add . && echo WROTE; git tag v2 && echo WROTE;"
        "echo > .git && echo WROTE; rm -f .git && echo WROTE; rm -r /run/selfimprove/git/refs && echo WROTE"
    )
    assert "WROTE" not in refused.tail
    assert fingerprint(stage.repo) == before


def test_git_can_write_objects_and_an_index_that_are_bound_for_it(stage: Stage) -> None:
    spare = stage.base / "spare"
    (spare / "objects").mkdir(parents=True)
    shutil.copy(stage.repo / ".git" / "worktrees" / "copy" / "index", spare / "index")
    before = fingerprint(stage.repo)
    done = stage.sandbox().run(
        "git add src && git write-tree",
        replace(stage.view, binds=((spare, "/run/selfimprove/spare", True),)),
        env={
            "GIT_INDEX_FILE": "/run/selfimprove/spare/index",
            "GIT_OBJECT_DIRECTORY": "/run/selfimprove/spare/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/run/selfimprove/git/objects",
        },
    )
    tree = done.tail.strip()
    assert (spare / "objects" / tree[:2] / tree[2:]).is_file()
    assert fingerprint(stage.repo) == before


def test_tokens_in_the_git_configuration_are_not_shown(stage: Stage) -> None:
    git(stage.repo, "config", "http.https://example.org/.extraheader", "AUTHORIZATION: basic c2VjcmV0")
    git(stage.repo, "config", "remote.origin.url", "https://me:c2VjcmV0@example.org/x.git")
    done = stage.run("git config --list; cat /run/selfimprove/git/config")
    assert "c2VjcmV0" not in done.tail
    assert "remote.origin.url=https://example.org/x.git" in done.tail


def test_the_interpreter_and_the_toolchains_of_the_home_work(stage: Stage) -> None:
    cargo = Path(stage.environ["HOME"]) / ".cargo"
    (cargo / "bin").mkdir(parents=True)
    (cargo / "bin" / "cargo-hello").write_text("#!/bin/sh\necho hello\n")
    (cargo / "bin" / "cargo-hello").chmod(0o755)
    (cargo / "credentials.toml").write_text("token = 'the key'")
    environ = {"PATH": f"{cargo}/bin:{stage.environ['PATH']}"}
    command = "cargo-hello; cat ~/.cargo/credentials.toml; touch ~/.cargo/x; touch ~/x && ls ~/x"
    done = stage.sandbox(**environ).run(command, stage.view)
    home = stage.environ["HOME"]
    assert done.tail.startswith("hello\n")
    assert "the key" not in done.tail
    assert "Read-only file system" in done.tail
    assert done.tail.endswith(f"{home}/x\n")
    assert not Path(home, "x").exists()
    assert stage.python("import json, sys; print(sys.prefix)").tail == f"{sys.prefix}\n"


def test_a_toolchain_outside_of_the_home_works_and_keeps_its_secrets(stage: Stage, tmp_path: Path) -> None:
    tool = tmp_path / "elsewhere" / ".cargo"
    for name, text in {
        "bin/hello": "#!/bin/sh\n. ${0%/*}/../words",
        "words": "echo hi\n",
        "credentials": "the key",
    }.items():
        (tool / name).parent.mkdir(parents=True, exist_ok=True)
        (tool / name).write_text(text)
        (tool / name).chmod(0o755)
    done = stage.sandbox(PATH=f"{tool}/bin:{stage.environ['PATH']}").run(
        f"hello; cat {tool}/credentials", stage.view
    )
    assert done.tail.startswith("hi\n")
    assert "the key" not in done.tail


# What is not reached


def test_the_home_and_everything_outside_are_closed(open_stage: Stage) -> None:
    home, outside = open_stage.environ["HOME"], open_stage.base / "outside.txt"
    done = open_stage.run(
        f"cat {home}/.ssh/id_ed25519; ls -A {home}; touch {outside};"
        "touch /etc/x && echo WROTE;"
        f"touch {open_stage.copy}/x; echo x > /dev/x && echo WROTE; cat /etc/shadow; env"
    )
    assert "the key" not in done.tail
    assert "WROTE" not in done.tail
    assert not outside.exists()  # where this stands below /tmp, it was written to a /tmp of its own
    assert not (open_stage.copy / "x").exists()
    assert "root:" not in done.tail
    assert "ghp_nothing" not in done.tail
    assert "\n.ssh\n" not in done.tail
    assert not outside.exists()


def test_the_real_home_and_tmp_are_empty(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    done = find_sandbox("auto", {"PATH": "/usr/bin:/bin"}).run(
        f"ls -A /root /home; cat {tmp_path}/mine", stage.view
    )
    assert ".ssh" not in done.tail
    assert ".npmrc" not in done.tail
    assert "No such file" in done.tail


def test_the_environment_is_small_and_without_keys(stage: Stage) -> None:
    done = stage.run("env")
    names = {line.partition("=")[0] for line in done.tail.splitlines()}
    assert names == {
        *("PATH", "HOME", "LANG", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PWD"),
        *("GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT"),
    } | (names & {"SHLVL", "_"})


def test_processes_of_the_machine_are_hidden_and_its_switches_closed(stage: Stage) -> None:
    done = stage.run(
        "ls -d /proc/[0-9]* | wc -l; echo x > /proc/sys/kernel/hostname && echo WROTE; ls /proc/self/fd"
    )
    count, *rest = done.tail.split("\n")
    assert int(count) < 8
    assert "WROTE" not in done.tail
    assert "Read-only file system" in done.tail
    assert rest[-5:] == ["0", "1", "2", "3", ""]  # 3 is the listed folder itself


def test_no_privilege_can_be_gained(stage: Stage) -> None:
    done = stage.run(
        "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status; unshare -U true && echo GAINED"
    )
    assert done.tail.count("0000000000000000") == 3
    assert "NoNewPrivs:\t1" in done.tail
    assert "Seccomp:\t2" in done.tail
    assert "GAINED" not in done.tail


def test_no_user_namespace_can_be_made(stage: Stage) -> None:
    code = """
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        child = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: 0)
        stack = ctypes.create_string_buffer(1 << 20)
        top = ctypes.c_void_p((ctypes.addressof(stack) + (1 << 20)) & ~15)
        CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
        pid = libc.clone(child, top, CLONE_NEWUSER | SIGCHLD, None)
        print(pid < 0, errno.errorcode.get(ctypes.get_errno()))
    """
    assert stage.python(code).tail == "True ENOSPC\n"


@pytest.fixture
def tcp_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_network_is_closed_unless_asked_for(stage: Stage, tcp_server: int) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {tcp_server}), 5); print('CONNECTED')"
    closed, opened = stage.python(code), stage.python(code, network=True)
    assert "ConnectionRefusedError" in closed.tail
    assert opened.tail == "CONNECTED\n"


CONNECT = """
import socket, sys
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    try:
        socket.socket(socket.AF_UNIX, kind).connect({path!r})
        print("CONNECTED")
    except OSError as error:
        print(type(error).__name__)
try:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].connect({path!r})
    print("CONNECTED")
except OSError as error:
    print(type(error).__name__)
"""


def test_unix_sockets_of_the_machine_are_out_of_reach(
    open_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(open_stage.base)
    path = str(open_stage.base / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")  # relative, since the path may be longer than a socket's may be
        server.listen()
        assert open_stage.python(CONNECT.format(path=path)).tail == "PermissionError\n" * 3


def test_with_unix_sockets_those_of_the_machine_are_still_masked(open_stage: Stage) -> None:
    path = str(open_stage.base / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        seen = open_stage.python(CONNECT.format(path=path), unix_sockets=True)
    assert "CONNECTED" not in seen.tail
    inside = """
        import socket
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("/tmp/own")
            server.listen()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect("/tmp/own")
                print("own")
    """
    assert open_stage.python(inside, unix_sockets=True).tail == "own\n"


def test_a_socket_to_the_host_of_a_virtual_machine_is_refused(stage: Stage) -> None:
    code = "import socket; socket.socket(40, socket.SOCK_STREAM)"
    assert "PermissionError" in stage.python(code).tail


# What must go on working


def test_asyncio_multiprocessing_threads_and_subprocesses_work(stage: Stage) -> None:
    (stage.copy / "work.py").write_text(
        textwrap.dedent("""
        import asyncio, multiprocessing, socket, subprocess, threading

        async def serve():
            async def answer(reader, writer):
                writer.write(await reader.readline())
                await writer.drain()
                writer.close()
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\\n")
            line = await reader.readline()
            writer.close()
            child = await asyncio.create_subprocess_exec("true")
            return line.decode().strip(), await child.wait()

        if __name__ == "__main__":
            print(*asyncio.run(serve()))
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(sum(pool.map(abs, range(-3, 4))))
            thread = threading.Thread(target=print, args=("thread",))
            thread.start()
            thread.join()
            print(subprocess.run(["echo", "sub"], capture_output=True).stdout)
            print(socket.getaddrinfo("localhost", 80)[0][4][1])
        """)
    )
    done = stage.run([sys.executable, "work.py"])
    assert done.tail == "hello 0\n12\n12\nthread\nb'sub\\n'\n80\n"


def test_a_missing_program_is_127_and_a_signal_128_more(stage: Stage) -> None:
    assert stage.run(["no-such-program"]).exit_code == 127
    assert stage.run("kill -9 $$").exit_code == 137
    assert stage.run("exit 1").exit_code == 1


# Limits


def test_a_time_out_leaves_nothing(stage: Stage, token: str) -> None:
    done = stage.run("setsid sleep 600 & sleep 600", env={MARKER: token}, limits=Limits(seconds=0.5))
    assert done.timed_out
    assert eventually(lambda: not marked(token))


def test_a_flood_of_processes_is_limited(stage: Stage, token: str) -> None:
    flood = "for i in $(seq 3000); do sleep 600 & done; wait"
    done = stage.run(flood, env={MARKER: token}, limits=Limits(seconds=60, processes=100))
    assert not done.timed_out
    assert "more than 100 processes" in done.stopped or "fork" in done.tail.lower()
    assert eventually(lambda: not marked(token))


def test_temporary_files_and_single_files_are_limited(stage: Stage) -> None:
    limits = Limits(seconds=60, tmp_mb=8, file_mb=4)
    done = stage.run(
        "for i in 1 2 3; do head -c 3M /dev/zero > /tmp/$i || echo full; done; head -c 5M /dev/zero > big",
        limits=limits,
    )
    assert "No space left on device" in done.tail
    assert (stage.copy / "big").stat().st_size <= 4 << 20


def test_memory_is_limited_for_one_and_for_all(stage: Stage) -> None:
    one = stage.python("b'x' * (700 << 20)", limits=Limits(seconds=60, memory_mb=300))
    assert "MemoryError" in one.tail
    many = """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                break
        block = b"x" * (120 << 20)
        time.sleep(600)
    """
    together = stage.python(many, limits=Limits(seconds=60, memory_mb=300))
    assert together.stopped == "more than 300 MB of memory"


RUNNER = """
import sys
from pathlib import Path
from selfimprove.tools.shell.mounts import View
from selfimprove.tools.shell.seccomp import program
from selfimprove.tools.shell.sandbox import find_sandbox
find_sandbox("auto", {"PATH": sys.argv[3]}).run(
    "setsid sleep 600 & echo begun; sleep 600", View(Path(sys.argv[1]), Path(sys.argv[1])),
    env={"SELFIMPROVE_RUN_TOKEN": sys.argv[2]}, log=Path(sys.argv[1], "log"))
"""


def test_it_ends_when_we_are_killed(tmp_path: Path, token: str) -> None:
    words = [sys.executable, "-c", RUNNER, str(tmp_path), token, os.environ["PATH"]]
    runner = subprocess.Popen(words)
    try:
        eventually(lambda: (tmp_path / "log").exists() and "begun" in (tmp_path / "log").read_text())
        assert marked(token)
    finally:
        runner.kill()
        runner.wait()
    assert eventually(lambda: not marked(token))


# Whether there is one


def test_as_an_ordinary_user(tmp_path: Path) -> None:
    """Run the whole in a process that has given up root; as an ordinary user this is every other test."""
    with tempfile.TemporaryDirectory(prefix="sandbox-user-") as folder:
        stage = build(Path(folder))
        done = _as_nobody(stage) if os.getuid() == 0 else stage.run(AS_NOBODY).tail
        assert done.splitlines() == [
            "VALUE = 'new'",
            "first",
            "0000000000000000",
            str(65534 if os.getuid() == 0 else os.getuid()),
        ]
        assert (stage.copy / "wrote").exists()


AS_NOBODY = (
    "cat src/shop.py; git log --format=%s; awk '/CapEff/ {print $2}' /proc/self/status; id -u; touch wrote"
)


def _as_nobody(stage: Stage) -> str:
    subprocess.run(["chown", "-R", "65534:65534", str(stage.base)], check=True)
    program()  # pyseccomp may lie where only root can read it
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            said = stage.run(AS_NOBODY).tail
        except BaseException as error:
            said = repr(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_without_bubblewrap_untrusted_code_is_refused(tmp_path: Path) -> None:
    for choice in ("auto", "bubblewrap"):
        with pytest.raises(MissingTool) as caught:
            find_sandbox(choice, {"PATH": str(tmp_path)})
        assert "apt-get install bubblewrap" in caught.value.hint
        assert "--sandbox none" in caught.value.hint


def test_a_bubblewrap_that_does_not_work_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n"
    )
    (tmp_path / "bwrap").chmod(0o755)
    with pytest.raises(MissingTool, match="No permissions"):
        find_sandbox("auto", {"PATH": str(tmp_path)})


def test_a_sandbox_that_cannot_be_set_up_is_not_a_failed_command(stage: Stage) -> None:
    view = replace(stage.view, binds=((stage.base / "gone", "/run/gone", False),))
    with pytest.raises(MissingTool, match="could not be set up"):
        stage.sandbox().run("true", view)


def test_none_runs_in_the_copy_with_the_home_but_without_keys(stage: Stage) -> None:
    plain = find_sandbox("none", stage.environ)
    done = plain.run("pwd; echo $HOME; env", stage.view)
    assert plain.name == "none"
    assert done.tail.startswith(f"{stage.copy}\n{stage.environ['HOME']}\n")
    assert "ghp_nothing" not in done.tail


def test_the_doctor_tries_every_guard(tmp_path: Path) -> None:
    assert {guard.name: guard.ok for guard in probe({"PATH": os.environ["PATH"]})} == dict.fromkeys(
        ("bubblewrap", "namespaces", "seccomp", "limits"), True
    )
    bare = {guard.name: guard for guard in probe({"PATH": str(tmp_path)})}
    assert not bare["bubblewrap"].ok
    assert bare["bubblewrap"].mend == "sudo apt-get install bubblewrap"
    assert not bare["namespaces"].ok
    assert not bare["limits"].ok
