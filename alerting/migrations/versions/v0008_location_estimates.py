"""How sure directions are, an incident's track of location estimates, and the areas its ellipse touches."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


_NUMBERS = (
    "lat_deg",
    "lon_deg",
    "height_m",
    "ellipse_semi_major_m",
    "ellipse_semi_minor_m",
    "ellipse_azimuth_deg",
    "range_m",
    "range_min_m",
    "range_max_m",
    "bearing_sigma_deg",
    "elevation_sigma_deg",
)


def upgrade() -> None:
    for table in ("incidents", "sightings"):
        op.add_column(table, sa.Column("bearing_sigma_deg", sa.Double(), nullable=True))
        op.add_column(table, sa.Column("elevation_sigma_deg", sa.Double(), nullable=True))
    op.add_column("incidents", sa.Column("grids_touched", sa.JSON(), nullable=True))
    op.create_table(
        "location_estimates",
        sa.Column("estimate_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("location_method", sa.String(length=32), nullable=False),
        sa.Column("bearing_deg", sa.Double(), nullable=False),
        sa.Column("elevation_deg", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in _NUMBERS),
        sa.Column("location_caution", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.incident_id"],
            name=op.f("fk_location_estimates_incident_id"),
        ),
        sa.PrimaryKeyConstraint("estimate_id", name=op.f("pk_location_estimates")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_location_estimates_incident_id"), "location_estimates", ["incident_id"], unique=False
    )
