"""GS1 EPCIS 2.0: custody in the words of supply chains, in and out."""

from skyhaul.control.epcis._read import EpcisReport, read_epcis
from skyhaul.control.epcis._vocabulary import DEFAULT_BASE, Names
from skyhaul.control.epcis._write import epcis_document

__all__ = ["DEFAULT_BASE", "EpcisReport", "Names", "epcis_document", "read_epcis"]
