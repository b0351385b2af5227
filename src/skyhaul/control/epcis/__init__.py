"""GS1 EPCIS 2.0: custody in the words of supply chains, in and out."""

from skyhaul.control.epcis._merge import to_record
from skyhaul.control.epcis._read import EpcisReport, RejectedEvent, read_epcis
from skyhaul.control.epcis._vocabulary import DEFAULT_BASE, Names
from skyhaul.control.epcis._write import epcis_document

__all__ = ["DEFAULT_BASE", "EpcisReport", "Names", "RejectedEvent", "epcis_document", "read_epcis", "to_record"]
