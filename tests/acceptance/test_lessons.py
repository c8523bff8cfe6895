"""Lessons: what one task taught makes the next one like it cheaper, and what does not help is dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Project
from executor_rig import block, prompt, write_tasks
from http_rig import FLAGS, env_of
from openai_server import OpenAIServer

Make = Callable[..., Project]

FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        "def total(items):\n    return sum(items)\n\n\n"
        "def average(items):\n    return sum(items) / len(items)\n"
    ),
    "shop/report.py": (
        "from shop import prices\n\n\n"
        "def bill(items):\n    return f'total {prices.total(items)}'\n\n\n"
        "def digest(items):\n    return f'average {prices.average(items)}'\n"
    ),
    "test_report.py": (
        "from shop import report\n\n\n"
        "def test_bill():\n    assert report.bill([1, 3]).startswith('total')\n\n\n"
        "def test_digest():\n    assert report.digest([1, 3]).startswith('average')\n"
    ),
}
TASKS = [
    prompt(
        f"currency-{name}",
        title=f"Add a currency parameter to {name}",
        prompt=f"{name}() in shop/prices.py takes the currency as a second parameter without a default.",
    )
    for name in ("total", "average")
]


class Forgetful:
    """A model that changes a function and forgets its callers, until it is told: by a red test, or by a lesson."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def __call__(self, body: dict[str, Any]) -> str:
        text = "\n".join(message["content"] for message in body["messages"])
        self.questions.append(text)
        name = "total" if "Task currency-total" in text else "average"
        lesson = re.search(r"BEGIN LESSONS (\d+)\n(.*)END LESSONS \1", text, re.DOTALL)
        knows = lesson is not None and "shop/report.py" in lesson[2]
        call = f"    return f'{name} {{prices.{name}(items)}}'\n"
        mended = block(
            "shop/report.py",
            call,
            call.replace("items", "items, 'EUR'").replace("f'", 'f"').replace("}'\n", '}"\n'),
        )
        if "BEGIN OUTPUT" in text:
            return f"COMMIT: Call {name} with the currency\n\n{mended}"
        changed = block("shop/prices.py", f"def {name}(items):\n", f"def {name}(items, currency):\n")
        return f"COMMIT: Add a currency to {name}\n\n{changed}" + (f"\n{mended}" if knows else "")


def attempts(made: Project, server: OpenAIServer, **more: str) -> dict[str, int]:
    """Run what is open; return how many attempts each task took."""
    done = made.run(*FLAGS, env=env_of(server, SELFIMPROVE_CHECK__RERUNS="0", **more), check=0)
    return {one["task_id"]: one["attempts"] for one in json.loads(done.out)["data"]["outcomes"]}


def lessons(made: Project) -> list[dict[str, Any]]:
    """What `lessons list` answers."""
    found = json.loads(made.run("lessons", "list", "--format", "json", check=0).out)["data"]["lessons"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(("enabled", "second"), [("true", 1), ("false", 2)])
def test_a_second_task_like_the_first_takes_fewer_attempts(project: Make, enabled: str, second: int) -> None:
    made, model = project(FILES), Forgetful()
    write_tasks(made, TASKS)
    with OpenAIServer(model) as server:
        took = attempts(made, server, SELFIMPROVE_LESSONS__ENABLED=enabled)
    assert took == {"currency-total": 2, "currency-average": second}
    assert len(model.questions) == 2 + second
    known = lessons(made)
    if enabled == "false":
        assert known == []
        return
    newest, first = known
    assert (first["task_id"], first["attempts"], first["status"]) == ("currency-total", 2, "done")
    assert (first["told"], first["helped"]) == (1, 1) and newest["told"] == 0
    assert first["weight"] == pytest.approx(2 / 3, abs=1e-3) and newest["weight"] == 0.5
    assert "TypeError: total() missing 1 required positional argument: 'currency'" in first["failures"][0]
    assert first["note"].endswith(
        "Mended by changing shop/report.py (body of bill changed), which had not been changed before."
    )
    assert first["shape"]["changes"] == [
        "shop/prices.py: signature of total changed",
        "shop/report.py: body of bill changed",
    ]
