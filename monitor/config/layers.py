"""Settings of what surrounds events: an operator's own layers, and how grave an event is."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from monitor.core.severity import SeverityRow, SeverityTable
from monitor.records import LayerKind, LayerSource

_Text = Annotated[str, StringConstraints(min_length=1)]


class LayerSettings(BaseModel):
    """One layer of an operator: a GeoPackage or GeoJSON file."""

    model_config = ConfigDict(extra="forbid")

    kind: LayerKind
    path: Path
    """Absolute, or from the folder of the configuration file."""
    name_field: _Text | None = None
    """Field of the names; left out: `name`, if there is one."""
    layer: _Text | None = None
    """Of a GeoPackage with several."""

    def source(self, name: str) -> LayerSource:
        """The same as a record."""
        return LayerSource(name=name, kind=self.kind, path=self.path, name_field=self.name_field, layer=self.layer)


class SeverityRowSettings(BaseModel):
    """What makes an event so grave: any one of these."""

    model_config = ConfigDict(extra="forbid")

    area_ha: Annotated[float, Field(gt=0)] | None = None
    buildings: Annotated[int, Field(ge=1)] | None = None
    roads: Annotated[int, Field(ge=1)] | None = None
    zone: bool = False

    def row(self) -> SeverityRow:
        """The same as a record."""
        return SeverityRow(area_ha=self.area_ha, buildings=self.buildings, roads=self.roads, zone=self.zone)


def _default(row: SeverityRow) -> SeverityRowSettings:
    return SeverityRowSettings(area_ha=row.area_ha, buildings=row.buildings, roads=row.roads, zone=row.zone)


class SeveritySettings(BaseModel):
    """The table of `core.severity`; a row that is given replaces the whole default row."""

    model_config = ConfigDict(extra="forbid")

    extreme: SeverityRowSettings = _default(SeverityTable().extreme)
    severe: SeverityRowSettings = _default(SeverityTable().severe)
    moderate: SeverityRowSettings = _default(SeverityTable().moderate)
    low_confidence_steps: Annotated[int, Field(ge=0, le=3)] = SeverityTable().low_confidence_steps

    def table(self) -> SeverityTable:
        """The same as a record."""
        return SeverityTable(
            extreme=self.extreme.row(),
            severe=self.severe.row(),
            moderate=self.moderate.row(),
            low_confidence_steps=self.low_confidence_steps,
        )
