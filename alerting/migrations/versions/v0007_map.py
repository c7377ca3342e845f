"""Incidents found by their place, for small frames of the map."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_incidents_lat_deg_lon_deg_confirmed_at_status_number"),
        "incidents",
        ["lat_deg", "lon_deg", "confirmed_at", "status", "number"],
        unique=False,
    )
