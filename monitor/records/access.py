"""Who may ask for what."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What the bearer of a token may do. Each may what those before it may."""

    READER = "reader"
    """See everything, also what is not released."""
    RESPONDER = "responder"
    """Acknowledge, dismiss, confirm and comment."""
    ADMIN = "admin"
    """Release to the public."""

    def covers(self, needed: "Role") -> bool:
        """Whether who has this role may do what needs the other."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token without its secret."""

    id: int
    name: str
    """Of the person or program that has it; stands beside what they do."""
    role: Role
    created: datetime
    revoked: datetime | None
    last_used: datetime | None
    """To the minute."""
