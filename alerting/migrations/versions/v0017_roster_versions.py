"""Rosters that were changed in the console."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_APPEND_ONLY = "versions of rosters are append-only: write another row"


def upgrade() -> None:
    op.create_table(
        "roster_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contacts", sa.JSON(), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_roster_versions")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_roster_versions_code_version")),
        sqlite_autoincrement=True,
    )
    _guard_versions()


def _guard_versions() -> None:
    if op.get_context().dialect.name == "sqlite":
        for operation in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER roster_versions_no_{operation.lower()} BEFORE {operation}"
                f" ON roster_versions BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION roster_versions_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER roster_versions_append_only BEFORE UPDATE OR DELETE ON roster_versions"
            " FOR EACH ROW EXECUTE FUNCTION roster_versions_append_only()"
        )
