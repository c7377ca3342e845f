"""Receivers of alerts that were changed in the console."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_APPEND_ONLY = "versions of receivers are append-only: write another row"


def upgrade() -> None:
    op.create_table(
        "target_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=True),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_target_versions")),
        sa.UniqueConstraint("target_id", "version", name=op.f("uq_target_versions_target_id_version")),
        sqlite_autoincrement=True,
    )
    _guard_versions()


def _guard_versions() -> None:
    if op.get_context().dialect.name == "sqlite":
        for operation in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER target_versions_no_{operation.lower()} BEFORE {operation}"
                f" ON target_versions BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION target_versions_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER target_versions_append_only BEFORE UPDATE OR DELETE ON target_versions"
            " FOR EACH ROW EXECUTE FUNCTION target_versions_append_only()"
        )
