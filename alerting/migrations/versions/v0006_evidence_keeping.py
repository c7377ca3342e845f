"""Evidence that is incomplete, removed, or released."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "evidence", sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("evidence", sa.Column("removed_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("evidence_released_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("incidents", sa.Column("evidence_released_by", sa.String(length=128), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("evidence would be forgotten: restore the backup made before the upgrade")
