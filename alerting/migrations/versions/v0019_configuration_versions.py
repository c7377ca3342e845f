"""What the deployment file said, start by start."""

import sqlalchemy as sa
from alembic import op

from alerting.tables import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_APPEND_ONLY = "versions of the configuration are append-only: write another row"


def upgrade() -> None:
    op.create_table(
        "configuration_versions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_configuration_versions")),
        sqlite_autoincrement=True,
    )
    _guard_versions()


def _guard_versions() -> None:
    if op.get_context().dialect.name == "sqlite":
        for operation in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER configuration_versions_no_{operation.lower()} BEFORE {operation}"
                f" ON configuration_versions BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION configuration_versions_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER configuration_versions_append_only"
            " BEFORE UPDATE OR DELETE ON configuration_versions"
            " FOR EACH ROW EXECUTE FUNCTION configuration_versions_append_only()"
        )
