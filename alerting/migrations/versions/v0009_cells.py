"""Incidents found by their place in one walk along an index: each has the number of its cell."""

import sqlalchemy as sa
from alembic import op

from alerting.cells import cell_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BATCH = 20_000


def upgrade() -> None:
    op.add_column("incidents", sa.Column("cell", sa.Integer(), nullable=True))
    _number_the_cells(op.get_bind())
    op.create_index(
        op.f("ix_incidents_cell_confirmed_at_status_number_lat_deg_lon_deg"),
        "incidents",
        ["cell", "confirmed_at", "status", "number", "lat_deg", "lon_deg"],
        unique=False,
    )
    op.drop_index(op.f("ix_incidents_lat_deg_lon_deg_confirmed_at_status_number"), table_name="incidents")


def _number_the_cells(connection: sa.Connection) -> None:
    read = sa.text(
        "SELECT number, lat_deg, lon_deg FROM incidents WHERE number > :last AND lat_deg IS NOT NULL"
        " ORDER BY number LIMIT :batch"
    )
    write = sa.text("UPDATE incidents SET cell = :cell WHERE number = :number")
    last = -1
    while rows := connection.execute(read, {"last": last, "batch": _BATCH}).all():
        cells = [{"number": row.number, "cell": cell_of(row.lat_deg, row.lon_deg)} for row in rows]
        connection.execute(write, cells)
        last = rows[-1].number
