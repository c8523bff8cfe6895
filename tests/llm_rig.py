"""The model client on a test server: what the tests of the litellm path have in common."""

from __future__ import annotations

from openai_server import OpenAIServer
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM, Ask, Message
from selfimprove.tools.llm.litellm_backend import LitellmBackend

KEY = "sk-very-secret-0123456789"
ASK = Ask((Message("system", "You mend code."), Message("user", "Mend this: ä")), "edit", "fix-tax")


class Rig:
    """An LLM on a server's address, with what it waited for and what it said."""

    def __init__(self, url, budget=None, retries=4, **options):
        self.waits, self.lines = [], []
        self.budget = budget or Budget()
        options = {"timeout": 5.0, "api_key": KEY, "max_tokens": 50} | options
        self.backend = LitellmBackend(options.pop("model", "openai/test-model"), base_url=url, **options)
        self.llm = LLM(self.backend, self.budget, retries, self.waits.append, self.lines.append)


def complete(answers, ask=ASK, **options):
    """Ask once on a server with ``answers``; return (reply or error, rig, server)."""
    with OpenAIServer(answers) as server:
        rig = Rig(server.url, **options)
        try:
            return rig.llm.complete(ask), rig, server
        except Exception as error:
            return error, rig, server
