"""How a file was read, and what reading it said."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add both to the imports; a file of before is read anew when it is imported again."""
    op.add_column("imports", sa.Column("settings", sa.Text(), nullable=False, server_default=""))
    op.add_column("imports", sa.Column("summary", sa.Text(), nullable=False, server_default="{}"))
