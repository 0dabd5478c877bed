"""Settings: the only reader of config.yaml and of SCARPWATCH_* variables.

Later sources win: the file, files in the folder SCARPWATCH_SECRETS_DIR, the environment, and files named by
SCARPWATCH_<NAME>_FILE. Groups are joined by two underscores: SCARPWATCH_SERVE__PORT,
SCARPWATCH_REGIONS__ATSUMA__LOOKBACK_DAYS. Relative paths, wherever given, start at the folder of that file.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from shapely.geometry.base import BaseGeometry

from monitor.config.alive import AliveSettings
from monitor.config.catalogs import CatalogSettings, CollectionSettings
from monitor.config.channels import ChannelSettings, EscalationSettings, LimitSettings, heard_at_once
from monitor.config.cluster import DaskSettings, TlsSettings
from monitor.config.drills import DrillSettings
from monitor.config.environment import PREFIX, environment_values
from monitor.config.geometry import region_geometry
from monitor.config.keep import KeepSettings, PostgresSettings
from monitor.config.layers import LayerSettings, SeverityRowSettings, SeveritySettings
from monitor.config.mistakes import Place
from monitor.config.paths import absolute_database, with_absolute_paths
from monitor.config.refusing import Refusal, refuse
from monitor.config.serving import CapGroup, KnownLanguage, LogSettings, ServeSettings
from monitor.config.tiers import DeclaredGroup, TierSettings
from monitor.config.upstream import AuditSettings, PlatformSettings, named_as_in_catalogs
from monitor.core.addresses import Addresses
from monitor.core.cap import CapSettings
from monitor.core.change import AlertSettings
from monitor.core.fleet import Fleet
from monitor.core.sensors import SensorSettings
from monitor.records import LayerSource, Region, SensorPolicy
from monitor.shipped import shipped_folder

if TYPE_CHECKING:
    from sqlalchemy import URL

    from monitor.adapters.store.database import PostgresLimits

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
"""Goes into file names, metrics and feeds."""


class _Group(BaseModel):
    """A group of settings: a key nobody knows is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class RegionSettings(_Group):
    """One watched place."""

    geometry: Annotated[BaseGeometry, BeforeValidator(region_geometry)]
    """Polygon or MultiPolygon, EPSG:4326; written {bbox: [west, south, east, north]}, GeoJSON, or a file of it."""
    catalogs: Annotated[tuple[str, ...], Field(min_length=1)]
    lookback_days: Annotated[int, Field(ge=1)] = 45
    history_days: Annotated[int | None, Field(ge=1)] = None
    """What is older when it arrives feeds references and raises no alert; None: `lookback_days`."""
    backfill_days: Annotated[int | None, Field(ge=1)] = None
    """How far back the first poll of the region looks, so that references exist early; None: `lookback_days`."""
    sensor_policy: SensorPolicy = SensorPolicy.OPTICAL_WHEN_CLEAR
    fallback_catalogs: tuple[str, ...] = ()
    """Asked while every one of `catalogs` fails or is stale."""
    stale_days: Annotated[float, Field(gt=0)] = 3.0
    """So long after it was expected the next scene of a sensor may be listed, until `catalogs` are stale."""
    release: Literal["by-person", "at-once"] = "by-person"
    """Whether an alert waits for a person before it is told to the public (CAP Actual and Public)."""
    layers: dict[Identifier, LayerSettings] = Field(default_factory=dict)
    """Beside those of all regions; one of the same name takes its place."""


def _database_url(value: str) -> str:
    """Check a database URL and name the driver that is really used (psycopg 3)."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value)
    except ArgumentError as err:
        raise PydanticCustomError("bad_database_url", "this is not a database URL") from err
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.render_as_string(hide_password=False)
    if kind not in {"postgresql", "postgres"}:
        raise PydanticCustomError("bad_database_url", "{kind} is not a database Scarpwatch knows", {"kind": kind})
    if not url.database:
        raise PydanticCustomError("bad_database_url", "the URL names no database")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _known_fields(record: type[AlertSettings | SensorSettings]) -> BeforeValidator:
    """Refuse settings that do not exist; the known ones are the fields of a record."""

    def check(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        known = {field.name for field in fields(record)}
        wrong = [key for key in value if key not in known]
        refuse([((key,), PydanticCustomError("unknown_key", "no such setting"), value[key]) for key in wrong])
        return value

    return BeforeValidator(check)


def _sensor_range(value: SensorSettings) -> SensorSettings:
    """Shares lie between 0 and 1, times are positive, and optics cannot lose a tile before they win it."""
    wrong: list[Refusal] = []
    for name in ("clear_share", "keep_share"):
        if not 0 < getattr(value, name) <= 1:
            wrong.append(((name,), PydanticCustomError("not_a_share", "must lie above 0 and at most at 1"), value))
    for name in ("optics_fresh_hours", "radar_fresh_days"):
        if getattr(value, name) <= 0:
            wrong.append(((name,), PydanticCustomError("not_positive", "must be greater than 0"), value))
    if value.keep_share > value.clear_share:
        error = PydanticCustomError("keep_above_clear", "keep_share is greater than clear_share")
        wrong.append((("keep_share",), error, value.keep_share))
    refuse(wrong)
    return value


def _alert_range(value: AlertSettings) -> AlertSettings:
    """Every threshold is positive, and a cluster cannot grow to a level above the one it starts from."""
    given = {field.name: getattr(value, field.name) for field in fields(value)}
    wrong: list[Refusal] = [
        ((name,), PydanticCustomError("not_positive", "must be greater than 0"), number)
        for name, number in given.items()
        if isinstance(number, int | float) and number <= 0
    ]
    wrong += [
        ((name,), PydanticCustomError("too_short", "at least one is needed"), members)
        for name, members in given.items()
        if members == ()
    ]
    if value.reach < value.looks:
        wrong.append((("reach",), PydanticCustomError("reach_below_looks", "reach is less than looks"), value.reach))
    if value.low > value.high:
        wrong.append((("low",), PydanticCustomError("low_above_high", "low is greater than high"), value.low))
    if value.radar_low > value.radar_high:
        wrong.append(
            (("radar_low",), PydanticCustomError("low_above_high", "is greater than radar_high"), value.radar_low)
        )
    if value.high > 1:
        wrong.append((("high",), PydanticCustomError("above_one", "a rise of probability is at most 1"), value.high))
    refuse(wrong)
    return value


class Settings(BaseSettings):
    """Everything an operator decides. Build it with `monitor.config.load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        arbitrary_types_allowed=True,
    )

    folder: Path = Field(default_factory=Path.cwd, exclude=True)
    """Where relative paths start: the folder of the configuration file. Set by `load`."""
    database: Annotated[str, AfterValidator(_database_url)] = Field(default="sqlite:///watch.db", repr=False)
    """SQLAlchemy URL; SQLite with an absolute path, or PostgreSQL through psycopg."""
    products: Path = Path("products")
    models: Path = Field(default_factory=lambda: shipped_folder("models"))
    model: str = "scar-rgb-noiburi"
    """Name of the folder in `models`."""
    radar_model: str | None = None
    """Name of the folder of the network that looks at radar passes; None: they are compared without one."""
    catalogs: dict[Identifier, CatalogSettings] = Field(default_factory=dict)
    regions: dict[Identifier, RegionSettings] = Field(default_factory=dict)
    poll_minutes: Annotated[float, Field(gt=0)] = 30.0
    lease_minutes: Annotated[float, Field(gt=0)] = 15.0
    """After this time without a sign of life, another process takes an acquisition over."""
    engine: Literal["cpu", "cuda", "openvino"] = "cpu"
    """What runs the networks; one that is not to be had is an error, never replaced in silence."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of the inference engine; 0 = one for each core."""
    block_tiles: Annotated[int, Field(ge=1, le=64)] = 4
    """Side of the square of tiles worked on at once: memory against speed, never results."""
    executor: Literal["local", "dask"] = "local"
    """Where blocks of tiles are looked at: in this process, or on the cluster of the group `dask`."""
    dask: DaskSettings | None = None
    alerts: Annotated[AlertSettings, _known_fields(AlertSettings), AfterValidator(_alert_range)] = AlertSettings()
    sensors: Annotated[SensorSettings, _known_fields(SensorSettings), AfterValidator(_sensor_range)] = SensorSettings()
    """When optics, and when radar, are the evidence of record."""
    tiers: TierSettings = TierSettings()
    """How rare a change must be to be an alert, and to be a warning."""
    layers: dict[Identifier, LayerSettings] = Field(default_factory=dict)
    """What lies on the ground of every region: places, roads, buildings, designated zones."""
    severity: SeveritySettings = SeveritySettings()
    channels: Annotated[dict[Identifier, ChannelSettings], AfterValidator(heard_at_once)] = Field(default_factory=dict)
    """Where alerts are sent."""
    alive: AliveSettings = AliveSettings()
    platforms: Annotated[dict[str, PlatformSettings], BeforeValidator(named_as_in_catalogs)] = Field(
        default_factory=dict
    )
    """When satellites begin and end."""
    audit: AuditSettings = AuditSettings()
    drills: DrillSettings | None = None
    """Exercises that the service makes by itself; None: none."""
    keep: KeepSettings = KeepSettings()
    """What `scarpwatch db prune` removes."""
    postgres: PostgresSettings = PostgresSettings()
    serve: ServeSettings = ServeSettings()
    cap: CapGroup = CapGroup()
    alert_languages: Annotated[tuple[KnownLanguage, ...], Field(min_length=1)] = ("en",)
    """Of CAP messages and signs of life, the first before others."""
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment (with its secret files) before the file."""
        return (_Environment(settings_cls), init_settings)

    @model_validator(mode="before")
    @classmethod
    def _absolute(cls, data: dict[str, object]) -> dict[str, object]:
        """Make relative paths absolute before anything looks at them."""
        folder = data.get("folder")
        return with_absolute_paths(data, folder if isinstance(folder, Path) else Path.cwd())

    @field_validator("regions")
    @classmethod
    def _known_catalogs(cls, value: dict[str, RegionSettings], info: ValidationInfo) -> dict[str, RegionSettings]:
        known = info.data.get("catalogs")
        if known is None:  # the catalogs themselves are wrong: that is said already
            return value
        names = ", ".join(sorted(known)) or "none"
        error = PydanticCustomError("unknown_catalog", "no catalog of this name (there are: {names})", {"names": names})
        refuse(
            [
                ((region, key, place), error, name)
                for region, settings in value.items()
                for key in ("catalogs", "fallback_catalogs")
                for place, name in enumerate(getattr(settings, key))
                if name not in known
            ]
        )
        twice = PydanticCustomError("fallback_is_first", "this catalog is among `catalogs` already")
        refuse(
            [
                ((region, "fallback_catalogs", place), twice, name)
                for region, settings in value.items()
                for place, name in enumerate(settings.fallback_catalogs)
                if name in settings.catalogs
            ]
        )
        return value

    @field_validator("channels")
    @classmethod
    def _known_regions(cls, value: dict[str, ChannelSettings], info: ValidationInfo) -> dict[str, ChannelSettings]:
        known = info.data.get("regions")
        if known is None:
            return value
        names = ", ".join(sorted(known)) or "none"
        error = PydanticCustomError("unknown_region", "no region of this name (there are: {names})", {"names": names})
        refuse(
            [
                ((channel, "regions", place), error, name)
                for channel, settings in value.items()
                for place, name in enumerate(settings.regions)
                if name not in known
            ]
        )
        return value

    @field_validator("drills")
    @classmethod
    def _drilled_regions(cls, value: DrillSettings | None, info: ValidationInfo) -> DrillSettings | None:
        known = info.data.get("regions")
        if value is None or known is None:
            return value
        names = ", ".join(sorted(known)) or "none"
        error = PydanticCustomError("unknown_region", "no region of this name (there are: {names})", {"names": names})
        unknown = [(place, name) for place, name in enumerate(value.regions) if name not in known]
        refuse([(("regions", place), error, name) for place, name in unknown])
        return value

    @model_validator(mode="after")
    def _cluster_given(self) -> Self:
        if self.executor == "dask" and self.dask is None:
            refuse([(("dask",), PydanticCustomError("needed_for_dask", "executor: dask needs it"), None)])
        return self

    @model_validator(mode="after")
    def _default_folders(self) -> Self:
        """Defaults are not seen by the "before" step; they start at the same folder."""
        self.products = self.folder / self.products
        self.database = absolute_database(self.database, self.folder)
        return self

    @property
    def addresses(self) -> Addresses:
        """Where the world finds what messages link."""
        return Addresses(base=self.serve.public_url or f"http://{self.serve.host}:{self.serve.port}")

    def cap_settings(self) -> CapSettings:
        """How CAP messages are made."""
        return CapSettings(
            sender=self.cap.sender,
            sender_name=self.cap.sender_name,
            contact=self.cap.contact,
            languages=self.alert_languages,
            addresses=self.addresses,
        )

    @property
    def database_label(self) -> str:
        """The database URL as it may be shown: without its password."""
        url = self.database_url
        return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)

    @property
    def database_url(self) -> "URL":
        """The parsed database URL."""
        from sqlalchemy.engine import make_url

        return make_url(self.database)

    @property
    def database_file(self) -> Path | None:
        """Where the database lies; None where it is a server's."""
        url = self.database_url
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    @property
    def on_disks(self) -> dict[str, Path]:
        """What a watch fills disks with, by its name."""
        database = self.database_file
        return {"products": self.products} | ({"database": database} if database else {})

    @property
    def limits(self) -> "PostgresLimits":
        """What a store may take of a PostgreSQL server."""
        from monitor.adapters.store.database import PostgresLimits

        statement = timedelta(seconds=self.postgres.statement_timeout_s)
        return PostgresLimits(connections=self.postgres.connections, statement=statement)

    def region_records(self) -> tuple[Region, ...]:
        """The watched regions, sorted by id."""
        return tuple(
            Region(
                id=name,
                geometry=region.geometry,
                catalogs=region.catalogs,
                lookback_days=region.lookback_days,
                history_days=region.history_days,
                backfill_days=region.backfill_days,
                sensor_policy=region.sensor_policy,
                release_at_once=region.release == "at-once",
                fallback_catalogs=region.fallback_catalogs,
                stale_days=region.stale_days,
            )
            for name, region in sorted(self.regions.items())
        )

    @property
    def fleet(self) -> Fleet:
        """When satellites begin and end."""
        return {name: one.service for name, one in self.platforms.items()}

    def region_layers(self) -> dict[str, tuple[LayerSource, ...]]:
        """The layers of every region that has any."""
        found = {name: {**self.layers, **region.layers} for name, region in self.regions.items()}
        return {
            name: tuple(one.source(layer) for layer, one in layers.items()) for name, layers in found.items() if layers
        }


class _Environment(EnvSettingsSource):
    """SCARPWATCH_* variables, and secrets from files, as if they were variables."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in environment_values(os.environ).items()}


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """SCARPWATCH_* variables that set nothing: most likely misspelt."""
    known = {name.upper() for name in Settings.model_fields if name != "folder"}
    return sorted(name for name in environment_values(environ) if name.removeprefix(PREFIX).split("__")[0] not in known)


def known_keys(group: Place) -> list[str]:
    """The names that may stand in a group of settings, such as () or ("regions", "atsuma")."""
    records: dict[Place, type[AlertSettings | SensorSettings]] = {
        ("alerts",): AlertSettings,
        ("sensors",): SensorSettings,
    }
    if group in records:
        return [field.name for field in fields(records[group])]
    if len(group) == 3 and group[2] == "geometry":
        return ["bbox"]
    parts = tuple(part if index % 2 == 0 else "*" for index, part in enumerate(group))
    if len(group) == 2 and group[0] == "severity":
        return list(SeverityRowSettings.model_fields)
    models: dict[Place, type[BaseModel]] = {
        (): Settings,
        ("catalogs", "*"): CatalogSettings,
        ("catalogs", "*", "collections"): CollectionSettings,
        ("regions", "*"): RegionSettings,
        ("tiers",): TierSettings,
        ("tiers", "*"): DeclaredGroup,
        ("regions", "*", "layers", "*"): LayerSettings,
        ("layers", "*"): LayerSettings,
        ("severity",): SeveritySettings,
        ("channels", "*"): ChannelSettings,
        ("channels", "*", "at_most"): LimitSettings,
        ("channels", "*", "escalation"): EscalationSettings,
        ("alive",): AliveSettings,
        ("platforms", "*"): PlatformSettings,
        ("audit",): AuditSettings,
        ("drills",): DrillSettings,
        ("keep",): KeepSettings,
        ("postgres",): PostgresSettings,
        ("serve",): ServeSettings,
        ("cap",): CapGroup,
        ("log",): LogSettings,
        ("dask",): DaskSettings,
        ("dask", "tls"): TlsSettings,
    }
    model = models.get(parts)
    found = model.model_fields.items() if model else ()
    return [field.alias or name for name, field in found if name != "folder"]
