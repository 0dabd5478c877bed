"""Exercises: synthetic scars in the newest real pixels, followed through the real chain to every channel."""

from monitor.drill.report import ChannelReport, DrillReport, DrillRequest, Found, ScarReport
from monitor.drill.run import Bench, Drill, Shown
from monitor.drill.strengths import implant_strengths

__all__ = [
    "Bench",
    "ChannelReport",
    "Drill",
    "DrillReport",
    "DrillRequest",
    "Found",
    "ScarReport",
    "Shown",
    "implant_strengths",
]
