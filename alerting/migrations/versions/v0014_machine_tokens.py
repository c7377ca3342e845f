"""Tokens of machines, limited to cameras, and what workers elsewhere say about themselves."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_tokens", sa.Column("camera_ids", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "remote_workers",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("heard_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("clock_ahead_s", sa.Double(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["access_tokens.token_id"],
            name=op.f("fk_remote_workers_token_id_access_tokens"),
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_remote_workers")),
    )
