"""Configuration: `load` reads it, `Settings` holds it, `SettingsError` explains what is wrong with it."""

from monitor.config.catalogs import CatalogSettings, CollectionSettings
from monitor.config.channels import ChannelSettings
from monitor.config.drills import DrillSettings
from monitor.config.layers import LayerSettings
from monitor.config.loading import config_path, load, placed, standing_in
from monitor.config.mistakes import Mistake, SettingsError
from monitor.config.serving import CapGroup, LogSettings, ServeSettings
from monitor.config.settings import (
    RegionSettings,
    Settings,
    unknown_variables,
)

__all__ = [
    "CapGroup",
    "CatalogSettings",
    "ChannelSettings",
    "CollectionSettings",
    "DrillSettings",
    "LayerSettings",
    "LogSettings",
    "Mistake",
    "RegionSettings",
    "ServeSettings",
    "Settings",
    "SettingsError",
    "config_path",
    "load",
    "placed",
    "standing_in",
    "unknown_variables",
]
