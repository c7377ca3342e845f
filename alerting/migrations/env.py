"""Runs migrations on the connection, and inside the transaction, that `alerting.database.migrate` opened."""

from alembic import context

from alerting.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
