"""Tables of the database. Rows never leave the store: `codec` turns them into records."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, false, literal_column, text, true
from sqlalchemy.orm import Mapped, mapped_column

from monitor.adapters.store.columns import JsonValue as JsonValue
from monitor.adapters.store.columns import Name as Name
from monitor.adapters.store.columns import OptionalJson as OptionalJson
from monitor.adapters.store.columns import RowId as RowId
from monitor.adapters.store.columns import Table as Table


class AcquisitionRow(Table):
    """The ledger: one row per region, acquisition and version."""

    __tablename__ = "acquisition"
    __table_args__ = (
        Index("uq_acquisition", "region", "key", "version", unique=True),
        Index("ix_acquisition_queue", "region", "state", "sensing_time"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    region: Mapped[str] = mapped_column(Name)
    key: Mapped[str] = mapped_column(Name)
    version: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(Name)
    sensor: Mapped[str] = mapped_column(Name)
    platform: Mapped[str] = mapped_column(Name)
    relative_orbit: Mapped[int | None]
    sensing_time: Mapped[datetime]
    items: Mapped[JsonValue]
    reason: Mapped[str | None] = mapped_column(Name)
    detail: Mapped[str | None]
    attempts: Mapped[int]
    not_before: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(Name)
    lease_until: Mapped[datetime | None]
    history: Mapped[bool] = mapped_column(server_default=false())
    """Too old for alerts when it arrived."""
    discovered: Mapped[datetime | None]
    """NULL: before this was kept."""
    updated: Mapped[datetime]


class SearchedRow(Table):
    """How far back the catalogs of a region were searched, where that was more than a look-back."""

    __tablename__ = "searched"

    region: Mapped[str] = mapped_column(Name, primary_key=True)
    since: Mapped[datetime]


class RejectionRow(Table):
    """What polls refused, why, and how often they saw it."""

    __tablename__ = "rejection"
    __table_args__ = (Index("uq_rejection", "region", "item", "reason", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    region: Mapped[str] = mapped_column(Name)
    item: Mapped[str]
    reason: Mapped[str] = mapped_column(Name)
    detail: Mapped[str]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    count: Mapped[int]


class ObservationRow(Table):
    """Append-only history of the tiles; only the flag `current` ever changes."""

    __tablename__ = "observation"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    tile: Mapped[str] = mapped_column(Name)
    acquisition_key: Mapped[str] = mapped_column(Name)
    acquisition_version: Mapped[str] = mapped_column(Name)
    sensing_time: Mapped[datetime]
    sensor: Mapped[str] = mapped_column(Name)
    relative_orbit: Mapped[int | None]
    model_version: Mapped[str] = mapped_column(Name)
    valid_fraction: Mapped[float]
    cloud_fraction: Mapped[float]
    mean: Mapped[float | None]
    p95: Mapped[float | None]
    spread: Mapped[float | None]
    hazard_area_ha: Mapped[float]
    snow_fraction: Mapped[float | None]
    look_href: Mapped[str | None]
    comparable: Mapped[str] = mapped_column(Name, server_default="optical")
    decision: Mapped[str] = mapped_column(Name)
    network: Mapped[str | None] = mapped_column(Name)
    mean_change: Mapped[float | None]
    p95_change: Mapped[float | None]
    hazard_change_ha: Mapped[float | None]
    previous_acquisition: Mapped[str | None]
    reference_count: Mapped[int]
    shared_fraction: Mapped[float] = mapped_column(server_default=text("0"))
    jointly_valid_fraction: Mapped[float]
    current: Mapped[bool]
    created: Mapped[datetime]


# The acquisition leads, so that completing an acquisition finds its own rows by the same index.
Index(
    "uq_observation",
    ObservationRow.acquisition_key,
    ObservationRow.acquisition_version,
    ObservationRow.model_version,
    ObservationRow.tile,
    unique=True,
)
# At most one version of an acquisition counts as a look: the database itself refuses a second.
Index(
    "uq_observation_current",
    ObservationRow.acquisition_key,
    ObservationRow.model_version,
    ObservationRow.tile,
    unique=True,
    sqlite_where=text("current"),
    postgresql_where=text("current"),
)
# "The last K looks of a tile" walks this index and stops: its cost does not grow with the history. Through one model
# or any: models are few, and what was clouded is not in it.
Index(
    "ix_observation_looks",
    ObservationRow.tile,
    ObservationRow.comparable,
    ObservationRow.sensing_time.desc(),
    ObservationRow.acquisition_key.desc(),
    ObservationRow.model_version,
    sqlite_where=text("current = 1 AND look_href IS NOT NULL"),
    postgresql_where=text("current AND look_href IS NOT NULL"),
)
# And so does "what was seen of a tile", newest first or since a time.
Index("ix_observation_tile", ObservationRow.tile, ObservationRow.sensing_time.desc(), ObservationRow.id.desc())


class ChoiceRow(Table):
    """Append-only: which sensor was the evidence of record on a tile at the time of an acquisition, and why."""

    __tablename__ = "choice"
    __table_args__ = (
        Index("uq_choice", "region", "acquisition_key", "acquisition_version", "tile", unique=True),
        Index("ix_choice_newest", "region", "sensor", "sensing_time"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    region: Mapped[str] = mapped_column(Name)
    tile: Mapped[str] = mapped_column(Name)
    acquisition_key: Mapped[str] = mapped_column(Name)
    acquisition_version: Mapped[str] = mapped_column(Name)
    sensing_time: Mapped[datetime]
    sensor: Mapped[str] = mapped_column(Name)
    clear_fraction: Mapped[float]
    record: Mapped[str | None] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Name)


_LISTED = ("told_id", "told_at", "state", "tier", "region", "released", "updated", "told_sequence")


class EventRow(Table):
    """Changed ground. Geometry is GeoJSON in EPSG:4326; a number that is NULL was NaN."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_region", "region", "state"),
        Index("ix_event_rank", "rank", "id", *_LISTED),  # lists read nothing else until they know what they show
        Index("ix_event_told", "told_at", "state", "tier", "region", "released"),  # counts read nothing else
        Index("ix_event_moved", "told_id"),  # what was told since a list was begun
        Index("ix_event_storm", "storm"),
        Index("ix_event_updated", "updated"),
    )

    id: Mapped[str] = mapped_column(Name, primary_key=True)
    region: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(Name)
    status: Mapped[str] = mapped_column(Name)
    detector: Mapped[str] = mapped_column(Name)
    geometry: Mapped[JsonValue]
    area_ha: Mapped[float | None]
    mean_change: Mapped[float | None]
    strength: Mapped[float | None]
    spread: Mapped[float | None]
    slope_deg: Mapped[float | None]
    confidence: Mapped[str] = mapped_column(Name)
    confidence_reason: Mapped[str]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    model_version: Mapped[str] = mapped_column(Name)
    comparable: Mapped[str] = mapped_column(Name, server_default="optical")
    foreign_ha: Mapped[float] = mapped_column(server_default=text("0"))
    alike_from_m: Mapped[float | None]
    tier: Mapped[str] = mapped_column(Name, server_default="watch")
    storm: Mapped[str] = mapped_column(Name, server_default="")
    released: Mapped[bool] = mapped_column(server_default=false())
    split_from: Mapped[str | None] = mapped_column(Name)
    took_in: Mapped[str] = mapped_column(server_default="")
    """Ids, joined by commas."""
    tiles: Mapped[JsonValue]
    picture: Mapped[str | None]
    context: Mapped[JsonValue | None] = mapped_column(OptionalJson)
    updated: Mapped[datetime]
    rank: Mapped[float] = mapped_column(server_default=text("0"))
    """`core.ranking.rank` when people were last told: lists are ordered by it, and go on from it."""
    told_id: Mapped[int | None] = mapped_column(RowId)
    """Row of the newest message in the outbox, like the three below; NULL: people have heard nothing."""
    told_sequence: Mapped[int | None]
    """Of the newest transition that people heard."""
    told_reason: Mapped[str | None] = mapped_column(Name)
    told_at: Mapped[datetime | None]
    """When its message was written."""


class EvidenceRow(Table):
    """What one look says about one event, by one detector."""

    __tablename__ = "evidence"
    __table_args__ = (Index("uq_evidence", "event_id", "acquisition_id", "detector", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(Name, ForeignKey("event.id"))
    acquisition_id: Mapped[str]
    sensing_time: Mapped[datetime]
    detector: Mapped[str] = mapped_column(Name)
    verdict: Mapped[str] = mapped_column(Name)
    observed_fraction: Mapped[float | None]
    level: Mapped[float | None]
    strength: Mapped[float | None]
    detail: Mapped[str]
    of_record: Mapped[bool] = mapped_column(server_default=true())
    own: Mapped[bool] = mapped_column(server_default=true())
    rate: Mapped[float | None]
    held_rate: Mapped[float | None]
    rate_simulated: Mapped[bool] = mapped_column(server_default=false())
    at_once: Mapped[bool | None]
    warning: Mapped[bool] = mapped_column(server_default=false())
    held_warning: Mapped[bool] = mapped_column(server_default=false())
    strata: Mapped[str] = mapped_column(server_default="")
    """Words, joined by commas."""
    withdrawn: Mapped[bool] = mapped_column(server_default=false())
    """Taken back by a person: the only column that ever changes."""


class ActionRow(Table):
    """What a person, or the service where nobody is named, did with an event."""

    __tablename__ = "action"
    __table_args__ = (Index("uq_action", "event_id", "at", "kind", "by", "acquisition_id", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(Name, ForeignKey("event.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Name)
    by: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Name)
    text: Mapped[str]
    acquisition_id: Mapped[str] = mapped_column(server_default="")
    area_ha: Mapped[float | None]
    withdrawn: Mapped[bool] = mapped_column(server_default=false())
    """Taken back by a person: the only column that ever changes."""


class TransitionRow(Table):
    """One step of an event, in the order in which it was decided. Never rewritten: people have heard it."""

    __tablename__ = "transition"
    __table_args__ = (Index("uq_transition", "event_id", "sequence", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(Name, ForeignKey("event.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    previous: Mapped[str | None] = mapped_column(Name)
    state: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Name)
    detail: Mapped[str]
    acquisition_id: Mapped[str | None]
    by: Mapped[str | None] = mapped_column(Name)
    tier: Mapped[str] = mapped_column(Name, server_default="watch")
    created: Mapped[datetime]


class ReferenceRow(Table):
    """One look of the frozen reference of an event on a tile."""

    __tablename__ = "reference"
    __table_args__ = (Index("uq_reference", "event_id", "tile", "acquisition_id", unique=True),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    event_id: Mapped[str] = mapped_column(Name, ForeignKey("event.id"))
    tile: Mapped[str] = mapped_column(Name)
    acquisition_id: Mapped[str]
    look_href: Mapped[str]
    comparable: Mapped[str] = mapped_column(Name, server_default="optical")


class OutboxRow(Table):
    """One message per transition that people should hear, and signs of life."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox", "idempotency_key", unique=True),
        Index("ix_outbox_kind", "kind", "id"),
        Index("ix_outbox_event", "event_id", "sequence"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(250))
    """`event_id:sequence`, or `alive:region:week`: a receiver that has seen it may drop the message."""
    event_id: Mapped[str | None] = mapped_column(Name, ForeignKey("event.id"))
    """NULL: it is about no alert."""
    sequence: Mapped[int]
    payload: Mapped[JsonValue]
    known: Mapped[JsonValue | None] = mapped_column(OptionalJson, deferred=True)
    """Evidence and actions as they were when it was written: what is said of a revision never changes. NULL of those
    written before this was kept."""
    rank: Mapped[float | None]
    """Of the event from then on."""
    created: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Name, server_default="alert")


class ChannelRow(Table):
    """A channel that a process has, or had, and how far it was said what the channel is to hear."""

    __tablename__ = "channel"

    name: Mapped[str] = mapped_column(Name, primary_key=True)
    """Empty: of processes without channels."""
    since: Mapped[datetime]
    seen: Mapped[datetime]
    """When a process last had it, give or take some minutes."""
    planned: Mapped[int] = mapped_column(RowId)
    """Of the newest message of the outbox of which it was said whether the channel is to hear it."""


class SourceRow(Table):
    """How a catalog answered when it was last asked, whichever process did."""

    __tablename__ = "source"

    catalog: Mapped[str] = mapped_column(Name, primary_key=True)
    answered: Mapped[datetime | None]
    """When it last answered everything it was asked; NULL: never."""
    failing_since: Mapped[datetime | None]
    """NULL: it answered when it was last asked."""
    detail: Mapped[str]


class DeliveryRow(Table):
    """What became, or is to become, of one message on one channel."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("uq_delivery", "channel", "idempotency_key", unique=True),
        Index("ix_delivery_queue", "channel", "state", "event_id", "sequence"),
        # Few are due of the many there ever were: what looks for them walks this one in order, if it says `IS_DUE`.
        Index(
            "ix_delivery_due",
            "channel",
            "id",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
        Index("ix_delivery_delivered", "channel", "delivered"),
        Index(
            "ix_delivery_held",
            "held_by",
            sqlite_where=text("held_by IS NOT NULL"),
            postgresql_where=text("held_by IS NOT NULL"),
        ),
        Index("ix_delivery_event", "event_id"),  # whether nobody has answered is asked of few alerts, every few seconds
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(250))
    channel: Mapped[str] = mapped_column(Name)
    event_id: Mapped[str | None] = mapped_column(Name, ForeignKey("event.id"))
    sequence: Mapped[int]
    region: Mapped[str] = mapped_column(Name)
    storm: Mapped[str] = mapped_column(Name)
    tier: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(Name)
    due_since: Mapped[datetime]
    not_before: Mapped[datetime | None]
    attempts: Mapped[int]
    last_try: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Name)
    detail: Mapped[str | None]
    delivered: Mapped[datetime | None]
    message_id: Mapped[str | None] = mapped_column(String(500))
    """Under which it was delivered; messages gathered into one share it."""
    replays: Mapped[int]
    lease_owner: Mapped[str | None] = mapped_column(Name)
    lease_until: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(Name, server_default="alert")
    escalation: Mapped[str | None] = mapped_column(Name)
    """Why nobody's answer brought it here; NULL: the channel wants it anyway."""
    escalation_since: Mapped[datetime | None]
    taken: Mapped[str | None]
    """Recipients that have taken it, when not all have: names of the channel's own, joined by spaces."""
    held_by: Mapped[int | None] = mapped_column(RowId)
    """Number of the silence that holds it, or held it until it was due again."""


IS_DUE = DeliveryRow.state == literal_column("'due'")
"""Said literally: a database cannot know that a parameter will fit the index of what is due."""


class SilenceRow(Table):
    """A time in which a person wants nothing of a region, or of a part of it, to reach the channels."""

    __tablename__ = "silence"
    __table_args__ = (Index("ix_silence_until", "until"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    region: Mapped[str | None] = mapped_column(Name)
    start: Mapped[datetime]
    until: Mapped[datetime]
    geometry: Mapped[JsonValue | None]
    why: Mapped[str]
    by: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime]
    ended: Mapped[datetime | None]


class TokenRow(Table):
    """Who may ask. The token itself is kept nowhere, only its digest."""

    __tablename__ = "token"
    __table_args__ = (Index("uq_token_digest", "digest", unique=True), Index("ix_token_name", "name"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    role: Mapped[str] = mapped_column(Name)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the token, hexadecimal."""
    created: Mapped[datetime]
    revoked: Mapped[datetime | None]
    last_used: Mapped[datetime | None]
