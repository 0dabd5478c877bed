"""Tokens: 256 random bits that only their bearer has; the database keeps a digest, of no use to who reads it."""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import select, update

from monitor.adapters.store.database import Database, affected
from monitor.adapters.store.schema import TokenRow
from monitor.errors import Refused, Transient
from monitor.records import Access, Role

PREFIX = "scw_"
"""Says to people and to scanners of leaked secrets what it is."""
_TO_THE_MINUTE = timedelta(minutes=1)


class TokenRows:
    """Makes, finds and revokes tokens. Every method is one transaction and may raise StoreBusy."""

    def __init__(self, database: Database) -> None:
        """Of one database; safe to share between threads."""
        self._database = database

    def add(self, name: str, role: Role, now: datetime) -> str:
        """A new token. It is said this once and cannot be asked for again.

        Raises:
            Refused: a token of this name is in use.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as session:
            in_use = select(TokenRow.id).where(TokenRow.name == name, TokenRow.revoked.is_(None))
            if session.scalar(in_use) is not None:
                remedy = "Choose another name, or revoke that one first: scarpwatch tokens revoke NAME."
                raise Refused("a token of this name is in use", item=name, remedy=remedy, reason="name-in-use")
            session.add(TokenRow(name=name, role=role.value, digest=digest(secret), created=now))
        return secret

    def all(self) -> list[Access]:
        """Every token there ever was, oldest first."""
        with self._database.read() as session:
            return [_access(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id))]

    def revoke(self, name: str, now: datetime) -> bool:
        """End a token at once; False when none of this name is in use."""
        with self._database.write() as session:
            valid = update(TokenRow).where(TokenRow.name == name, TokenRow.revoked.is_(None))
            return affected(session, valid.values(revoked=now)) > 0

    def bearer(self, secret: str, now: datetime) -> Access | None:
        """Whose token it is; None when it is nobody's, or was revoked."""
        with self._database.read() as session:
            valid = select(TokenRow).where(TokenRow.digest == digest(secret), TokenRow.revoked.is_(None))
            row = session.scalar(valid)
            found = _access(row) if row else None
        if found is not None and (found.last_used is None or now - found.last_used >= _TO_THE_MINUTE):
            # Noted when there is room: nobody who reads waits for a writer, or fails because there is one.
            with suppress(Transient), self._database.write(at_once=True) as session:
                affected(session, update(TokenRow).where(TokenRow.id == found.id).values(last_used=now))
        return found


def digest(secret: str) -> str:
    """What is kept of a token. A plain hash is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _access(row: TokenRow) -> Access:
    return Access(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created=row.created,
        revoked=row.revoked,
        last_used=row.last_used,
    )
