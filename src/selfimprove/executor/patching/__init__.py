"""What a reply of a model makes of files: ``apply_reply``."""

from selfimprove.executor.patching.compose import apply_patch, apply_reply

__all__ = ["apply_patch", "apply_reply"]
