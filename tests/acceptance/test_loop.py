"""The loop measures before and after: findings become tasks once, and come back only when they are back."""

from __future__ import annotations

import yaml

from executor_rig import block

BRANCHY = (
    "def tangled(n):\n"
    + "".join(f"    if n == {n}:\n        return {n * 7}\n" for n in range(20))
    + "    return n\n"
)
ROWS = "".join(f"    {n}: {n * 7},  # seven times {n}\n" for n in range(20))
SIMPLE = f"SEVENFOLD = {{\n{ROWS}}}\n\n\ndef tangled(n):\n    return SEVENFOLD.get(n, n)\n"
REPLY = "COMMIT: Untangle\n\n" + block("knot.py", BRANCHY, SIMPLE)


def tasks(repo, name="tasks.yml"):
    return yaml.safe_load(repo.read(name)) or []


def asked(repo):
    return repo.replies(*({"contains": "tangled", "reply": REPLY} for _ in range(3)))


def test_a_finding_becomes_one_task_is_mended_and_does_not_come_again_before_the_merge(project):
    repo = project({"knot.py": BRANCHY})
    repo.run("plan", check=0)
    [task] = tasks(repo)
    assert task["source"] == "audit" and task["files"] == ["knot.py"] and task["fingerprint"]
    repo.run("plan", check=0)
    assert tasks(repo) == [task]
    result = repo.run("run", env=asked(repo), check=0)
    assert "1 finding before, 0 after" in result.out
    assert tasks(repo) == [task | {"status": "done"}]
    again = repo.run("run", env=asked(repo), check=0)
    assert tasks(repo) == [task | {"status": "done"}], again.err
    assert repo.git("branch", "--list", "selfimprove/*").split() == ["selfimprove/run-1"]


def test_a_finding_that_is_back_after_the_merge_reopens_its_task(project):
    repo = project({"knot.py": BRANCHY})
    repo.run("run", env=asked(repo), check=0)
    repo.git("merge", "-q", "selfimprove/run-1")
    repo.run("run", env=asked(repo), check=0)
    assert [task["status"] for task in tasks(repo)] == ["done"]
    repo.write("knot.py", BRANCHY)
    repo.git("commit", "-qam", "Tangle it again")
    result = repo.run("run", env=asked(repo), check=0)
    assert "pending again: its finding is back" in result.err
    assert [task["status"] for task in tasks(repo)] == ["done"]
    assert len(repo.git("branch", "--list", "selfimprove/*").splitlines()) == 2


def test_a_rejected_finding_is_remembered(project):
    repo = project({"knot.py": BRANCHY})
    repo.run("plan", check=0)
    name = tasks(repo)[0]["id"]
    repo.run("tasks", "reject", name, "--reason", "It is meant to be so", check=0)
    repo.run("run", env=asked(repo), check=0)
    [task] = tasks(repo)
    assert task["status"] == "skipped" and task["rejected"] == "It is meant to be so"
    assert repo.git("branch", "--list", "selfimprove/*") == ""


def test_another_tasks_file_by_its_setting(project):
    repo = project({"work/todo.yml": '- id: a\n  title: A\n  command: "true"\n'})
    repo.run("run", "--no-audit", env={"SELFIMPROVE_TASKS_FILE": "work/todo.yml"}, check=0)
    assert [task["status"] for task in tasks(repo, "work/todo.yml")] == ["done"]
    assert not (repo.root / "tasks.yml").exists()
