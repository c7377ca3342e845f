"""When cameras were blind, when their workers were last heard, and what was told about it."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("camera_states", sa.Column("heard_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("camera_states", sa.Column("blind_since", UtcDateTime(timezone=True), nullable=True))
    op.add_column("camera_states", sa.Column("told", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("camera_states", sa.Column("notices", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "camera_periods",
        sa.Column("period_id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.String(length=128), nullable=False),
        sa.Column("condition", sa.String(length=32), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_camera_periods")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_camera_periods_camera_id_since"), "camera_periods", ["camera_id", "since"], unique=False
    )
    op.create_index(op.f("ix_camera_periods_until"), "camera_periods", ["until"], unique=False)
