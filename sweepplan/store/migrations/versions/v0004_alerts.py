"""Alerts that were given."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "alerts",
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("episode", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("days", sa.BigInteger, nullable=False),
        sa.Column("n", sa.BigInteger),
        sa.Column("expected", sa.Double),
        sa.Column("threshold", sa.Double),
        sa.Column("per_30_days", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("as_of", "episode", name="alerts_once"),
    )
