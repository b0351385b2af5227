"""The one door to the facts: who may record what, and every check before anything is stored."""

from skyhaul.control.registry._bulk import Rejected
from skyhaul.control.registry._door import Actor, examine
from skyhaul.control.registry._known import Index, Known
from skyhaul.control.registry._maps import DatedMap, MapSource, areas_of_map, swapped
from skyhaul.control.registry._opening import openings
from skyhaul.control.registry._permissions import OWN_MEANS, PERMISSIONS, May
from skyhaul.control.registry._registry import Imported, Registry, is_registry, key_file, people_with_keys
from skyhaul.control.registry._rows import Given, columns_of, fact_of_row, row_of_fact
from skyhaul.control.registry._signing import PersonKey, is_signed_by, read_public_key, signed_bytes
from skyhaul.control.registry._touched import approvals_needed, touched_terminals
from skyhaul.control.registry._views import OrderStanding, OrderState, held, history, order_standings

__all__ = [
    "OWN_MEANS",
    "PERMISSIONS",
    "Actor",
    "DatedMap",
    "Given",
    "Imported",
    "Index",
    "Known",
    "MapSource",
    "May",
    "OrderStanding",
    "OrderState",
    "PersonKey",
    "Registry",
    "Rejected",
    "approvals_needed",
    "areas_of_map",
    "columns_of",
    "examine",
    "fact_of_row",
    "held",
    "history",
    "is_registry",
    "is_signed_by",
    "key_file",
    "openings",
    "order_standings",
    "people_with_keys",
    "read_public_key",
    "row_of_fact",
    "signed_bytes",
    "swapped",
    "touched_terminals",
]
