"""Documents follow a change in its own commit: what it made untrue is mended by the model, or told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from executor_rig import block, do, prompt
from openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]

FILES = {
    "shop.py": "def parse_row(line):\n    return line.split(';')\n",
    "README.md": "# Shop\n\nEach line goes to `parse_row(line)`.\n\nIt is small.\n",
    "CHANGELOG.md": "* `parse_row` is new.\n",
    ".gitignore": "tasks.yml\n",
}
RENAMED = "COMMIT: Call it what it does\n" + block(
    "shop.py", "def parse_row(line):\n", "def split_fields(line):\n"
)


def answer(text: str) -> str:
    """The reply that gives the one passage these words."""
    return json.dumps({"passages": [{"number": 1, "text": text}]})


def run(made: Project, *document: str) -> tuple[dict[str, str], list[str]]:
    """Rename the function; return the files of its commit, and what the step said."""
    env = made.replies(
        {"task": "rename", "purpose": "edit", "reply": RENAMED},
        *({"task": "rename", "purpose": "document", "reply": text} for text in document[:1]),
        *({"task": "rename", "purpose": "document-repair", "reply": text} for text in document[1:]),
    )
    done = do(made, [prompt("rename", test_command="true")], {}, env=env)
    outcome = done.outcomes["rename"]
    assert outcome["status"] == "done", outcome
    names = made.git("show", "--format=", "--name-only", outcome["commit"]).split()
    files = {name: made.git("show", f"{outcome['commit']}:{name}") for name in names}
    return files, [line for line in done.err.splitlines() if " document " in line]


def test_a_passage_that_the_change_made_untrue_is_mended_in_the_same_commit(project: Make) -> None:
    files, _ = run(project(FILES), answer("Each line goes to `split_fields(line)`.\n"))
    assert set(files) == {"shop.py", "README.md"}
    assert files["README.md"] == "# Shop\n\nEach line goes to `split_fields(line)`.\n\nIt is small."


@pytest.mark.parametrize(
    "document",
    [
        [answer("Each line goes to `magic_fields(line)`.\n")],
        [answer("See docs/magic.md.\n")],
        [answer("Each line goes to `parse_row(line)`, still.\n")],
        ["no JSON", "again no JSON"],
        ["", ""],
        ['{"passages": [', '{"passages": "no"}'],
    ],
)
def test_invented_names_and_broken_replies_leave_the_document_and_are_told(
    project: Make, document: list[str]
) -> None:
    files, said = run(project(FILES), *document)
    assert set(files) == {"shop.py"}
    assert "README.md still names parse_row" in said[0]


def test_a_change_that_takes_nothing_away_asks_nothing(project: Make) -> None:
    made = project(FILES)
    added = "COMMIT: Say it\n" + block(
        "shop.py", "    return line.split(';')\n", "    # a row\n    return line.split(';')\n"
    )
    env = made.replies({"task": "rename", "purpose": "edit", "reply": added})
    done = do(made, [prompt("rename", test_command="true")], {}, env=env)
    assert done.outcomes["rename"]["status"] == "done"
    assert not [line for line in done.err.splitlines() if " document " in line]


def test_no_private_file_goes_into_the_question_of_the_document(project: Make) -> None:
    made = project(
        {**FILES, "config/.env": "PASSWORD=hunter2-prod-value\n", "README.md": "It reads config/.env.\n"}
    )
    gone = "COMMIT: Remove it\n\n*** Begin Patch\n*** Delete File: config/.env\n*** End Patch\n"
    asked: list[str] = []

    def model(body: dict[str, Any]) -> str:
        asked.append(body["messages"][1]["content"])
        return gone if len(asked) == 1 else answer("It reads nothing.\n")

    with OpenAIServer(model) as http:
        env = {
            "SELFIMPROVE_LLM__BASE_URL": http.url,
            "SELFIMPROVE_LLM__MODEL": "openai/test-model",
            "OPENAI_API_KEY": "sk-very-secret-0123456789",
            "SELFIMPROVE_LLM__BACKEND": "litellm",
        }
        do(made, [prompt("rename", test_command="true")], {}, env=env)
    assert len(asked) == 2 and "hunter2" not in "".join(asked)
