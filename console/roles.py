"""Who may do what. A role includes everything the roles before it may do."""

from __future__ import annotations

from enum import StrEnum

from alerting.lifecycle import Action
from alerting.records import HistoryRow


class Role(StrEnum):
    VIEWER = "viewer"
    """Sees incidents and cameras, without telephone numbers."""
    OPERATOR = "operator"
    """Judges incidents and follows them."""
    SUPERVISOR = "supervisor"
    """Also reopens, and takes back what others decided."""
    ADMIN = "admin"
    """Also manages users."""

    def includes(self, other: Role) -> bool:
        """
        >>> Role.ADMIN.includes(Role.OPERATOR), Role.VIEWER.includes(Role.OPERATOR)
        (True, False)
        """
        order = list(Role)
        return order.index(self) >= order.index(other)


def role_for(action: Action) -> Role:
    """The least role that may take this decision."""
    return Role.SUPERVISOR if action is Action.REOPEN else Role.OPERATOR


def role_for_undo(row: HistoryRow, username: str) -> Role:
    """Everyone takes back what they did themselves."""
    return Role.OPERATOR if row.who == username else Role.SUPERVISOR
