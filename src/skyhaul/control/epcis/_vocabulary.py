"""The words of GS1 EPCIS 2.0 and its Core Business Vocabulary (CBV 2.0) that custody is told in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from skyhaul.control.facts import Manner, Step
from skyhaul.errors import ControlError

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"  # EPCIS 2.0, section 10.1
SCHEMA_VERSION = "2.0"

# Fields that EPCIS has no word for are under this namespace (EPCIS 2.0, section 10.1: user extensions by prefix).
PREFIX = "skyhaul"
NAMESPACE = "https://skyhaul.example/epcis/"
DEFAULT_BASE = "https://skyhaul.example/"

# CBV 2.0, section 7.1: `accepting` is the step in which an object changes possession or ownership.
BIZ_STEPS: dict[Step, str] = {
    Step.COMMISSIONING: "commissioning",
    Step.SHIPPING: "shipping",
    Step.RECEIVING: "receiving",
    Step.TRANSFER: "accepting",
    Step.SPLIT: "unpacking",
    Step.DESTROYING: "destroying",
}
STEPS: dict[str, Step] = {
    "commissioning": Step.COMMISSIONING,
    "shipping": Step.SHIPPING,
    "consigning": Step.SHIPPING,
    "departing": Step.SHIPPING,
    "receiving": Step.RECEIVING,
    "accepting": Step.TRANSFER,
    "retail_selling": Step.TRANSFER,
    "dispensing": Step.TRANSFER,
    "destroying": Step.DESTROYING,
}

# CBV 2.0, section 7.2.
DISPOSITIONS: dict[Step, str] = {
    Step.COMMISSIONING: "active",
    Step.SHIPPING: "in_transit",
    Step.RECEIVING: "in_progress",
    Step.TRANSFER: "in_progress",
    Step.SPLIT: "in_progress",
    Step.DESTROYING: "destroyed",
}
MANNER_DISPOSITIONS: dict[Manner, str] = {Manner.THEFT: "stolen", Manner.RETURN: "returned"}
MANNERS: dict[str, Manner] = {"stolen": Manner.THEFT, "returned": Manner.RETURN, "retail_sold": Manner.SALE}

POSSESSING, OWNING = "possessing_party", "owning_party"  # CBV 2.0, section 7.4.2
DID_NOT_OCCUR, INCORRECT_DATA = "did_not_occur", "incorrect_data"  # CBV 2.0, section 7.5

_URI = re.compile(r"(?:urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:|https?://|tag:|ni:///)[\x21-\x7e]+")
_URI_UNFIT = re.compile(r'["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})')
# A word of the CBV stands alone, or as urn:epcglobal:cbv:bizstep:W, …/cbv/BizStep-W or cbv:BizStep-W.
_WORD = re.compile(
    r"(?:urn:epcglobal:cbv:(?:bizstep|disp|sdt|er):|(?:https?://(?:ref|ns)\.gs1\.org/cbv/|cbv:)(?:BizStep|Disp|SDT|ER)-)"
    r"([a-z_]+)"
)


def word(value: Any) -> str:
    """A word of the CBV in any of its spellings; other text as it is; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    found = _WORD.fullmatch(value)
    return found[1] if found else value


class Names:
    """Names of units, parties and events as URIs, and back.

    CBV 2.0, section 8, wants every object, party and event to have a URI. A name that is one stays as it is; any other
    stands below `base`, percent-encoded (RFC 3986, section 2.1). Raises ControlError for a base that is no URI or does
    not end with a slash.
    """

    def __init__(self, base: str = DEFAULT_BASE) -> None:
        if not is_uri(base) or not base.startswith(("http://", "https://")) or not base.endswith("/"):
            raise ControlError(f"“{base}” is no base for names", mend=f"give an address such as {DEFAULT_BASE}")
        self.base = base

    def uri(self, kind: str, name: str) -> str:
        """The URI of an `item`, `party` or `event`."""
        if is_uri(name) and not name.startswith(self.base):
            return name
        return f"{self.base}{kind}/{quote(name, safe='')}"

    def name(self, kind: str, uri: str) -> str:
        """The name behind a URI; a URI that is not below the base is its own name."""
        head = f"{self.base}{kind}/"
        return unquote(uri[len(head) :]) if uri.startswith(head) and len(uri) > len(head) else uri


def is_uri(text: str) -> bool:
    """Whether text is a URI of the schemes that CBV 2.0, section 8, allows for objects, parties and events."""
    return bool(_URI.fullmatch(text)) and not _URI_UNFIT.search(text)


def extensions(context: Any) -> dict[str, str]:
    """What keys our own fields have under a document's context: key → field."""
    prefixes = {PREFIX: NAMESPACE} if not isinstance(context, list | dict) else {}
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, Mapping):
            prefixes |= {str(k): v for k, v in part.items() if isinstance(v, str)}
    own = [f"{prefix}:" for prefix, uri in prefixes.items() if uri == NAMESPACE]
    return {f"{head}{field}": field for head in (*own, NAMESPACE) for field in OWN_FIELDS}


OWN_FIELDS = ("source", "author", "manner", "corrects")
