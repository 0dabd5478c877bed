"""Alembic's entry: runs migrations on the connection that `monitor.adapters.store.migration` hands over."""

from alembic import context

from monitor.adapters.store.schema import Table

connection = context.config.attributes["connection"]
# The caller holds the transaction, so a migration that fails leaves nothing behind.
context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
