"""Inquiries: what the records show of an area and a time, and what they cannot show."""

from skyhaul.control.inquiry._ground import Bearing, Coverage
from skyhaul.control.inquiry._inquire import inquire
from skyhaul.control.inquiry._report import Gap, Inquiry
from skyhaul.control.inquiry._sightings import Sightings
from skyhaul.control.inquiry._units import Recorded, UnitUse

__all__ = ["Bearing", "Coverage", "Gap", "Inquiry", "Recorded", "Sightings", "UnitUse", "inquire"]
