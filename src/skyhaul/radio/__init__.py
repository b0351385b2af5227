"""What a site can see in the sky, and how well a radio link over it works."""

from skyhaul.radio._gso import GEOSTATIONARY_RADIUS_M, GsoArc, gso_separation_deg
from skyhaul.radio._light import LIGHT_M_S
from skyhaul.radio._link_budget import USER_DOWNLINK, USER_UPLINK, Channel, LinkBudget
from skyhaul.radio._look import LookAngles, look_angles, look_angles_of_pairs
from skyhaul.radio._modcods import MODCODS, ModCod
from skyhaul.radio._obstruction import Interpolation, ObstructionMask
from skyhaul.radio._site_index import SiteIndex, Visibility

__all__ = [
    "GEOSTATIONARY_RADIUS_M",
    "LIGHT_M_S",
    "MODCODS",
    "USER_DOWNLINK",
    "USER_UPLINK",
    "Channel",
    "GsoArc",
    "Interpolation",
    "LinkBudget",
    "LookAngles",
    "ModCod",
    "ObstructionMask",
    "SiteIndex",
    "Visibility",
    "gso_separation_deg",
    "look_angles",
    "look_angles_of_pairs",
]
