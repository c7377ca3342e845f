"""Whether there may be two fires where an incident is said to be."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("incidents", "sightings", "location_estimates"):
        column: sa.Column[bool] = sa.Column(
            "possibly_two", sa.Boolean(), server_default=sa.false(), nullable=False
        )
        op.add_column(table, column)
