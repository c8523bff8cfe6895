"""What the tests of `selfimprove run` with a model behind HTTP share: a task, its reply, the environment."""

from __future__ import annotations

import yaml

from openai_server import OpenAIServer

KEY = "sk-test-0123456789abcdefghijklmnop"
TASK = {"id": "greet", "title": "Say hello", "prompt": "Let greet say hello.", "files": ["app.py"]}
FILES = {"app.py": 'def greet():\n    return "hi"\n', "tasks.yml": yaml.safe_dump([TASK], sort_keys=False)}
REPLY = """Subject: Say hello

app.py
<<<<<<< SEARCH
    return "hi"
=======
    return "hello"
>>>>>>> REPLACE
"""
FLAGS = ("run", "--no-audit", "--format", "json")


def env_of(server: OpenAIServer, **more: str) -> dict[str, str]:
    return {
        "SELFIMPROVE_LLM__MODEL": "openai/test",
        "SELFIMPROVE_LLM__BASE_URL": server.url,
        "OPENAI_API_KEY": KEY,
    } | more


def status(repo) -> str:
    return yaml.safe_load(repo.read("tasks.yml"))[0].get("status", "pending")


def no_key_in(repo, *texts: str) -> bool:
    files = [p for folder in ("logs", ".selfimprove") for p in (repo.root / folder).rglob("*") if p.is_file()]
    return not any(
        KEY.encode() in data for data in [*(p.read_bytes() for p in files), *(t.encode() for t in texts)]
    )
