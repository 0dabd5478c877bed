"""The nouns of Scarpwatch: frozen records and the enums of every closed set.

Times are aware UTC, areas hectares, distances metres, geometries shapely objects whose CRS the field's docstring names.
"""

from monitor.records.events import Action, Cluster, Event, Evidence, FrozenReference, Transition
from monitor.records.ground import Region, Terrain, Tile
from monitor.records.kinds import (
    LEVEL_1C,
    POLARISATIONS,
    AcquisitionState,
    ActionKind,
    AlertStatus,
    ChoiceReason,
    Detector,
    DismissalReason,
    EventState,
    NetworkAnswer,
    PixelState,
    Sensor,
    SensorPolicy,
    Tier,
    Verdict,
)
from monitor.records.looks import CHANGE, Choice, Look, ModelCard, Observation, Prediction, TileStats
from monitor.records.results import AcquisitionResult
from monitor.records.scenes import Acquisition, Asset, Bands, LedgerEntry, Rejected, SceneItem

__all__ = [
    "CHANGE",
    "LEVEL_1C",
    "POLARISATIONS",
    "Acquisition",
    "AcquisitionResult",
    "AcquisitionState",
    "Action",
    "ActionKind",
    "AlertStatus",
    "Asset",
    "Bands",
    "Choice",
    "ChoiceReason",
    "Cluster",
    "Detector",
    "DismissalReason",
    "Event",
    "EventState",
    "Evidence",
    "FrozenReference",
    "LedgerEntry",
    "Look",
    "ModelCard",
    "NetworkAnswer",
    "Observation",
    "PixelState",
    "Prediction",
    "Region",
    "Rejected",
    "SceneItem",
    "Sensor",
    "SensorPolicy",
    "Terrain",
    "Tier",
    "Tile",
    "TileStats",
    "Transition",
    "Verdict",
]
