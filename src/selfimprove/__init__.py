"""Measures a git repository, plans what to improve, changes it in a private copy and proves it."""

__version__ = "0.1.0"
