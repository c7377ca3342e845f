"""What is done about an incident: stages, escalation clocks, permitted burns, tokens of responders, counts.

Counts per status are kept by triggers: counting 10^6 rows for every page of a list would take longer than
the list. A view's representative sightings are marked, so that joining reads a few rows however long a fire
burns.
"""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen_incidents()
    _widen_sightings()
    op.add_column(
        "incident_history", sa.Column("source", sa.String(length=128), nullable=False, server_default="")
    )
    op.add_column("incident_history", sa.Column("detail", sa.JSON(), nullable=True))
    op.create_table(
        "incident_areas",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_areas_incident_id")
        ),
        sa.PrimaryKeyConstraint("code", "incident_id", name=op.f("pk_incident_areas")),
    )
    op.create_index(op.f("ix_incident_areas_incident_id"), "incident_areas", ["incident_id"], unique=False)
    op.create_table(
        "clocks",
        sa.Column("clock_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("set_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_clocks_incident_id")
        ),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_clocks")),
        sa.UniqueConstraint("incident_id", "kind", name=op.f("uq_clocks_incident_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "permitted_burns",
        sa.Column("burn_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("area", sa.JSON(), nullable=False),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=128), nullable=False),
        sa.Column("added_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=128), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("burn_id", name=op.f("pk_permitted_burns")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_permitted_burns_ends_at"), "permitted_burns", ["ends_at"], unique=False)
    op.create_table(
        "access_tokens",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("area_codes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_tokens_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "verdict_days",
        sa.Column("model_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "day", name=op.f("pk_verdict_days")),
    )
    op.create_table(
        "incident_counts",
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("incidents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("status", name=op.f("pk_incident_counts")),
    )
    op.execute(
        "INSERT INTO incident_counts (status, incidents)"
        " SELECT status, count(*) FROM incidents GROUP BY status"
    )
    _keep_counts()


def _widen_incidents() -> None:
    for column in (
        sa.Column("stage", sa.String(length=16), nullable=False, server_default="notify"),
        sa.Column("targets", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("acknowledged_by", sa.String(length=128), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("assigned_to", sa.String(length=128), nullable=True),
        sa.Column("accepted_by", sa.String(length=128), nullable=True),
        sa.Column("accepted_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("escalated_to", sa.String(length=16), nullable=True),
        sa.Column("permitted_burn_id", sa.Integer(), nullable=True),
        sa.Column("merged_into", sa.String(length=64), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("incidents", column)
    op.drop_index(op.f("ix_incidents_confirmed_at_number"), "incidents")
    op.drop_index(op.f("ix_incidents_status_confirmed_at_number"), "incidents")
    # The position stands in the index so that a map can look at what lies outside its frame without
    # fetching the row.
    op.create_index(
        op.f("ix_incidents_confirmed_at_number_lat_deg_lon_deg"),
        "incidents",
        ["confirmed_at", "number", "lat_deg", "lon_deg"],
        unique=False,
    )
    op.create_index(
        op.f("ix_incidents_status_confirmed_at_number_lat_deg_lon_deg"),
        "incidents",
        ["status", "confirmed_at", "number", "lat_deg", "lon_deg"],
        unique=False,
    )


def _widen_sightings() -> None:
    for name in ("representative", "told"):
        op.add_column("sightings", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_index(op.f("ix_sightings_incident_id"), "sightings")
    op.create_index(
        op.f("ix_sightings_incident_id_representative_confirmed_at"),
        "sightings",
        ["incident_id", "representative", "confirmed_at"],
        unique=False,
    )


def _keep_counts() -> None:
    add = (
        "INSERT INTO incident_counts (status, incidents) VALUES (NEW.status, 1)"
        " ON CONFLICT (status) DO UPDATE SET incidents = incident_counts.incidents + 1;"
    )
    take = "UPDATE incident_counts SET incidents = incidents - 1 WHERE status = OLD.status;"
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER incident_counts_insert AFTER INSERT ON incidents BEGIN {add} END")
        op.execute(f"CREATE TRIGGER incident_counts_delete AFTER DELETE ON incidents BEGIN {take} END")
        op.execute(
            "CREATE TRIGGER incident_counts_update AFTER UPDATE OF status ON incidents"
            f" WHEN OLD.status <> NEW.status BEGIN {take} {add} END"
        )
        return
    op.execute(
        "CREATE FUNCTION incident_counts_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP <> 'INSERT' THEN {take} END IF;"
        f" IF TG_OP <> 'DELETE' THEN {add} END IF;"
        " RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER incident_counts_rows AFTER INSERT OR DELETE ON incidents"
        " FOR EACH ROW EXECUTE FUNCTION incident_counts_keep()"
    )
    op.execute(
        "CREATE TRIGGER incident_counts_status AFTER UPDATE OF status ON incidents"
        " FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)"
        " EXECUTE FUNCTION incident_counts_keep()"
    )
