"""Masks that people draw in the console."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drawn_masks",
        sa.Column("mask_id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("preset", sa.String(length=128), nullable=True),
        sa.Column("polygon", sa.JSON(), nullable=False),
        sa.Column("drawn_by", sa.String(length=128), nullable=False),
        sa.Column("drawn_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_by", sa.String(length=128), nullable=True),
        sa.Column("removed_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("mask_id", name=op.f("pk_drawn_masks")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_drawn_masks_camera_id"), "drawn_masks", ["camera_id"], unique=False)
