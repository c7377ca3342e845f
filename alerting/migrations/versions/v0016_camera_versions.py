"""The camera register, and what cameras report while they learn."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_APPEND_ONLY = "versions of cameras are append-only: write another row"


def upgrade() -> None:
    op.create_table(
        "camera_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("learning_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_camera_versions")),
        sa.UniqueConstraint("camera_id", "version", name=op.f("uq_camera_versions_camera_id_version")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "learning_sightings",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sighting_id", sa.String(length=128), nullable=False),
        sa.Column("camera_id", sa.String(length=128), nullable=False),
        sa.Column("preset", sa.String(length=128), nullable=True),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("sighting", sa.JSON(), nullable=False),
        sa.Column("picture_jpeg", sa.LargeBinary(), nullable=False),
        sa.Column("judged_by", sa.String(length=128), nullable=True),
        sa.Column("judged_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=16), nullable=True),
        sa.Column("raised_as", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_learning_sightings")),
        sa.UniqueConstraint("sighting_id", name=op.f("uq_learning_sightings_sighting_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_learning_sightings_camera_id_confirmed_at"),
        "learning_sightings",
        ["camera_id", "confirmed_at"],
        unique=False,
    )
    _guard_versions()


def _guard_versions() -> None:
    if op.get_context().dialect.name == "sqlite":
        for operation in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER camera_versions_no_{operation.lower()} BEFORE {operation}"
                f" ON camera_versions BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION camera_versions_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER camera_versions_append_only BEFORE UPDATE OR DELETE ON camera_versions"
            " FOR EACH ROW EXECUTE FUNCTION camera_versions_append_only()"
        )
