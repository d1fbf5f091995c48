"""Alembic's entry: the steps run on the connection that the store hands over, in its transaction."""

from alembic import context

from sweepplan.store.schema import METADATA, VERSION_TABLE


def run() -> None:
    """Run the steps that are missing."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # only Alembic sets it; whoever merely imports this runs nothing
    run()
