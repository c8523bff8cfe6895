"""Alembic's door: runs the revisions on the connection that memory/database.py hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
context.run_migrations()
