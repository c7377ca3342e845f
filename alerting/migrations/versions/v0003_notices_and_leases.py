"""Notices beside alerts, deliveries to people, leases of senders, what is known of failing targets, pulses,
drills."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADD = (
    "INSERT INTO incident_counts (status, incidents) VALUES (NEW.status, 1)"
    " ON CONFLICT (status) DO UPDATE SET incidents = incident_counts.incidents + 1;"
)
_TAKE = "UPDATE incident_counts SET incidents = incidents - 1 WHERE status = OLD.status;"


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=True),
        sa.Column("camera_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_notices_incident_id")
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_incident_id"), "notices", ["incident_id"], unique=False)
    op.create_table(
        "target_states",
        sa.Column("target_id", sa.String(length=128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("open_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_target_states")),
    )
    op.create_table(
        "pulses",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pulses")),
    )
    op.add_column("incidents", sa.Column("exercise", sa.Boolean(), server_default=sa.false(), nullable=False))
    _count_no_exercises()
    _widen_deliveries()


def _count_no_exercises() -> None:
    if op.get_context().dialect.name == "sqlite":
        for operation, row, change in (
            ("INSERT", "NEW", _ADD),
            ("DELETE", "OLD", _TAKE),
            ("UPDATE", "NEW", f"{_TAKE} {_ADD}"),
        ):
            name = f"incident_counts_{operation.lower()}"
            when = f"{row}.exercise = 0" + (" AND OLD.status <> NEW.status" if operation == "UPDATE" else "")
            on = "UPDATE OF status" if operation == "UPDATE" else operation
            op.execute(f"DROP TRIGGER {name}")
            op.execute(f"CREATE TRIGGER {name} AFTER {on} ON incidents WHEN {when} BEGIN {change} END")
        return
    op.execute("DROP TRIGGER incident_counts_rows ON incidents")
    op.execute("DROP TRIGGER incident_counts_status ON incidents")
    for operation, when in (
        ("INSERT", "NOT NEW.exercise"),
        ("DELETE", "NOT OLD.exercise"),
        ("UPDATE OF status", "NOT NEW.exercise AND OLD.status IS DISTINCT FROM NEW.status"),
    ):
        op.execute(
            f"CREATE TRIGGER incident_counts_{operation.split()[0].lower()} AFTER {operation} ON incidents"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION incident_counts_keep()"
        )


def _widen_deliveries() -> None:
    op.drop_index(op.f("ix_deliveries_incident_id_target_id_sequence"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_target_id_state_next_attempt_at"), table_name="deliveries")
    with op.batch_alter_table("deliveries", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("alert_id", existing_type=sa.String(length=128), nullable=True)
        table.alter_column("incident_id", existing_type=sa.String(length=64), nullable=True)
        table.add_column(sa.Column("notice_id", sa.String(length=128), nullable=True))
        table.add_column(sa.Column("stream", sa.String(length=128), nullable=True))
        table.add_column(sa.Column("lane", sa.String(length=128), nullable=True))
        table.add_column(sa.Column("recipient", sa.JSON(), nullable=True))
        table.add_column(sa.Column("media_type", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("leased_by", sa.String(length=128), nullable=True))
        table.add_column(sa.Column("leased_until", UtcDateTime(timezone=True), nullable=True))
        table.create_foreign_key(op.f("fk_deliveries_notice_id"), "notices", ["notice_id"], ["notice_id"])
        table.create_unique_constraint(op.f("uq_deliveries_notice_id_target_id"), ["notice_id", "target_id"])
    op.execute("UPDATE deliveries SET stream = incident_id, lane = target_id")
    op.execute("UPDATE deliveries SET media_type = 'application/json' WHERE body IS NOT NULL")
    with op.batch_alter_table("deliveries", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("stream", existing_type=sa.String(length=128), nullable=False)
        table.alter_column("lane", existing_type=sa.String(length=128), nullable=False)
    op.create_index(op.f("ix_deliveries_incident_id"), "deliveries", ["incident_id"], unique=False)
    op.create_index(
        op.f("ix_deliveries_stream_target_id_sequence"),
        "deliveries",
        ["stream", "target_id", "sequence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_deliveries_lane_state_next_attempt_at"),
        "deliveries",
        ["lane", "state", "next_attempt_at"],
        unique=False,
    )
