"""What the tests of ideas share: a small shop with weaknesses, and what a model may say of it, true and invented."""

from __future__ import annotations

import json
from typing import Any

import yaml

SHOP = {
    "README.md": "# Shop\n\nKeeps orders in a YAML file.\n",
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
    "shop/__init__.py": "",
    "shop/store.py": (
        '"""Orders on disk."""\n\nimport subprocess\n\nimport yaml\n\n\nclass Store:\n'
        "    def __init__(self, path):\n        self.path = path\n\n"
        "    def load(self):\n        with open(self.path) as file:\n"
        "            return yaml.load(file, Loader=yaml.Loader)\n\n"
        "    def archive(self, name):\n        subprocess.run(f'tar cf {name}.tar {self.path}', shell=True)\n"
    ),
    "shop/orders.py": (
        '"""Orders."""\n\nfrom shop.store import Store\n\n\ndef total(orders):\n'
        "    return sum(one['price'] for one in orders)\n\n\n"
        "def listing(path):\n    return [str(one) for one in Store(path).load()]\n"
    ),
    "tests/test_orders.py": (
        "from shop.orders import total\n\n\ndef test_total():\n    assert total([{'price': 2}]) == 2\n"
    ),
}

YAML = {
    "title": "Load orders with the safe YAML loader",
    "what": "Let `Store.load` read the orders with `yaml.safe_load`, which makes plain values only.",
    "why": "The full loader in `shop/store.py` runs code that somebody has put into the file of orders.",
    "files": ["shop/store.py", "tests/test_store.py"],
    "symbols": ["Store.load"],
    "new": ["tests/test_store.py", "yaml.safe_load"],
    "evidence": [{"path": "shop/store.py", "line": 3, "quote": "return yaml.load(file, Loader=yaml.Loader)"}],
    "criteria": [
        "A file of orders with a `!!python/object` tag is refused.",
        "Orders that were read before are read the same way.",
    ],
    "effort": "small",
    "priority": 5,
}
SHELL = {
    "title": "Archive without a shell",
    "what": "Give `subprocess.run` in `Store.archive` a list of words in the place of a string for the shell.",
    "why": "A name with a semicolon in it runs any command.",
    "files": ["shop/store.py"],
    "symbols": ["Store.archive"],
    "new": [],
    "evidence": [
        {
            "path": "shop/store.py",
            "line": 16,
            "quote": "subprocess.run(f'tar cf {name}.tar   {self.path}', shell=True)",
        }
    ],
    "criteria": ["No call has shell=True.", "A name with a semicolon is an ordinary file name."],
    "effort": "small",
    "priority": 4,
}
CSV = {
    "title": "Export the orders as CSV",
    "what": "Add `to_csv` to `shop/orders.py`, which writes one line for each order.",
    "why": "Today people can only print what `listing` returns, and want it in a spreadsheet.",
    "files": ["shop/orders.py", "tests/test_orders.py"],
    "symbols": ["listing"],
    "new": ["to_csv"],
    "evidence": [
        {"path": "shop/orders.py", "line": 10, "quote": "return [str(one) for one in Store(path).load()]"}
    ],
    "criteria": ["`to_csv` writes a head and a line for each order.", "A comma in a value is quoted."],
    "effort": "medium",
    "priority": 3,
}
# The same wishes in other words, about the same files.
YAML_AGAIN = YAML | {
    "title": "Stop using the unsafe YAML loader",
    "what": "Read the orders file in `Store.load` with a safe loader, so that it cannot execute code.",
    "why": "`yaml.load` with the full Loader builds any Python object from the orders.",
}


def said(*ideas: dict[str, Any]) -> str:
    """The reply with these ideas."""
    return json.dumps({"ideas": list(ideas)})


def for_purpose(**replies: str | list[str]) -> list[dict[str, Any]]:
    """Recorded replies: ``security="..."`` answers the question suggest-security; a list answers one by one."""
    return [
        {"purpose": f"suggest-{purpose}".replace("_", "-"), "reply": text}
        for purpose, texts in replies.items()
        for text in ([texts] if isinstance(texts, str) else texts)
    ]


def tasks_of(project: Any) -> list[dict[str, Any]]:
    """The tasks of tasks.yml, as a YAML reader has them."""
    file = project.root / "tasks.yml"
    found = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else []
    return list(found["tasks"] if isinstance(found, dict) else found or [])
