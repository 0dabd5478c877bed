"""Every closed set: sensors, states, verdicts, reasons."""

from enum import IntEnum, StrEnum

LEVEL_1C = "l1c"
"""In the names of collections of reflectance at the top of the atmosphere."""
POLARISATIONS = ("vv", "vh", "hh", "hv")
"""Radar: transmit and receive polarisation, in the order in which bands are kept."""


class Sensor(StrEnum):
    """What kind of instrument made an acquisition."""

    OPTICAL = "optical"
    SAR = "sar"


class SensorPolicy(StrEnum):
    """Which sensors may give the evidence of record in a region."""

    OPTICAL_WHEN_CLEAR = "optical_when_clear"
    BOTH = "both"
    OPTICAL_ONLY = "optical_only"
    RADAR_ONLY = "radar_only"


class PixelState(IntEnum):
    """Why a pixel is or is not an observation."""

    VALID = 0
    """Clear ground, observed."""
    NODATA = 1
    """Outside the swath, or a source nodata value, or missing in one band."""
    CLOUD = 2
    """Cloud, thin cirrus or their dilated rim."""
    SHADOW = 3
    """Cloud shadow or its dilated rim."""
    SNOW = 4
    """Snow or ice."""
    WATER = 5
    """Open water: observed, but not ground that can fail."""
    SATURATED = 6
    """Saturated or defective detector."""
    LAYOVER = 7
    """Radar: the slope faces the sensor so steeply that its echoes fall on other ground."""
    RADAR_SHADOW = 8
    """Radar: the slope turns away, and no pulse reaches it."""


class AcquisitionState(StrEnum):
    """Where an acquisition stands in the ledger."""

    DISCOVERED = "discovered"
    """Seen in a catalog, waiting (also: waiting for its next try)."""
    CLAIMED = "claimed"
    """Being processed under a lease."""
    DONE = "done"
    """Processed; `reason` says whether anything in it was usable."""
    PARKED = "parked"
    """Set aside until a person acts; `reason` and `detail` say why."""
    SUPERSEDED = "superseded"
    """A newer version of the same acquisition took its place."""


class Detector(StrEnum):
    """What found a cluster of changed pixels."""

    NETWORK = "network"
    """A segmentation network: rise of its answer."""
    BASELINE = "baseline"
    """Optics without a network: brightening in red."""
    RADAR = "radar"
    """Radar without a network: backscatter against the mean of earlier passes."""
    TILE = "tile"
    """The mean or 95th percentile of the hazard probability of a whole tile, against the look before."""


class EventState(StrEnum):
    """Life of an event and its alert."""

    CANDIDATE = "candidate"
    """Change below the alerting strength, kept to be confirmed by later looks; not shown as an alert."""
    PROVISIONAL = "provisional"
    """Alert open on the evidence of one look."""
    CONFIRMED = "confirmed"
    """A later look still sees the change against the frozen reference."""
    REFUTED = "refuted"
    """A later look sees the ground as it was before."""
    CLOSED = "closed"
    """Ended after enough confirming looks."""
    EXPIRED = "expired"
    """Ended without a further look within the configured time."""


class Tier(StrEnum):
    """How much an alert asks of people."""

    WATCH = "watch"
    """Look at it when there is time."""
    WARNING = "warning"
    """Quiet ground almost never looks like this, or a person has seen it."""


class ActionKind(StrEnum):
    """What a person does with an event."""

    ACKNOWLEDGE = "acknowledge"
    """Somebody has seen it and looks after it."""
    DISMISS = "dismiss"
    """It is no landslide; the reason says what it is."""
    CONFIRM = "confirm"
    """It was seen from the ground or the air."""
    COMMENT = "comment"
    """Words for others."""
    RELEASE = "release"
    """The alert may go to the public."""
    MERGE = "merge"
    """It grew together with another event, which `reason` names. Nobody does this: the looks show it."""
    ROLL_BACK = "roll-back"
    """What some looks said of it was taken back; `reason` is the state that it was in."""
    DECLARE = "declare"
    """An event was declared on its ground, and by those thresholds it was an alert from its first look on. Nobody does
    this to one event; `reason` is the storm that the declaration names."""


class DismissalReason(StrEnum):
    """What a person says a dismissed event is."""

    FALSE_ALARM = "false-alarm"
    """Nothing happened there."""
    WORKS = "works"
    """Building, quarrying, roads."""
    FARMING = "farming"
    """Ploughing, harvest."""
    FORESTRY = "forestry"
    """Clear-cuts."""
    SNOW = "snow"
    """Snow or its melting."""
    FLOOD = "flood"
    """Water and what it left."""
    FIRE = "fire"
    """Burnt ground."""
    OTHER = "other"
    """The text says what."""


class DeclarationKind(StrEnum):
    """What a person says has happened."""

    EARTHQUAKE = "earthquake"
    STORM = "storm"
    OTHER = "other"
    """A thaw, a burst dam, works: the name says what."""


class Verdict(StrEnum):
    """What one later look says about an event."""

    OPENS = "opens"
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    INCONCLUSIVE = "inconclusive"
    """Observed, but between "still changed" and "back as it was"."""
    NOT_OBSERVED = "not-observed"


class Growing(StrEnum):
    """How an event becomes larger."""

    GROWS = "grows"
    """A look that supports it shows more changed ground beside it."""
    TAKES_IN = "takes-in"
    """That ground joins it to another alert, whose ground is its own from then on."""


class NetworkAnswer(StrEnum):
    """Whether a network has spoken of a tile that was looked at, and if not, why."""

    ANSWERED = "answered"
    """At least of some of its ground."""
    LEARNING = "too-few-earlier-looks"
    """A network of pairs, and too few earlier looks of one class at any of its clear ground."""
    POLARISATION = "lacks-a-polarisation"
    """The radar pass has not all polarisations that the network is fed."""
    RESOLUTION = "other-native-resolution"
    """The radar pass resolves less, or more, than the passes the network was trained on, or does not say how much."""
    NONE = "no-network"
    """The sensor is watched without one."""

    @property
    def is_silence(self) -> bool:
        """Whether a network that is there did not speak."""
        return self not in (NetworkAnswer.ANSWERED, NetworkAnswer.NONE)


class AlertStatus(StrEnum):
    """CAP status an alert of this event may carry."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"
    """Opened by a model trained on simulated data alone, or on simulated pixels."""


class ChoiceReason(StrEnum):
    """Why a sensor is, or is not, the evidence of record on a tile and date."""

    OPTICAL_CLEAR = "optical-clear"
    """Optics see enough of the tile."""
    OPTICAL_KEPT = "optical-kept"
    """Optics see less than they need to become the evidence of record, and enough to remain it (hysteresis)."""
    CLOUDED_RADAR = "clouded-radar-fresh"
    """Optics see too little: the newest radar pass counts."""
    CLOUDED = "clouded-no-fresh-radar"
    """Optics see too little, and no radar pass is recent enough: nothing counts."""
    RADAR_ALONE = "no-fresh-optics"
    """A radar pass, and no optical look recent enough to count instead."""
    RADAR_CLOUDED = "optics-clouded"
    """A radar pass, and the newest optical look sees too little."""
    OPTICS_FRESH = "optics-fresh"
    """A radar pass shortly after a clear optical look, which counts."""
    POLICY = "policy"
    """The region's policy lets this sensor count whatever the sky."""
    UNSEEN = "unseen"
    """The acquisition shows nothing of the tile."""
