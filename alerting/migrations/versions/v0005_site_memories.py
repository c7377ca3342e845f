"""What each view usually shows, and what a sighting has risen above; its calibrated probability."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_memories",
        sa.Column("camera_id", sa.String(length=128), nullable=False),
        sa.Column("preset", sa.String(length=128), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("camera_id", "preset", name=op.f("pk_site_memories")),
    )
    op.add_column("sightings", sa.Column("probability", sa.Double(), nullable=True))
    op.add_column("sightings", sa.Column("usual_score", sa.Double(), nullable=True))
    op.add_column("sightings", sa.Column("usual_cause", sa.String(length=16), nullable=True))
