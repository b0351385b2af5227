"""One satellite written by hand in every format, and small writers of each for elements that are drawn at random."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import fields
from xml.sax.saxutils import escape

import numpy as np

from skyhaul.orbits import Elements

# Starlink-1008 on 2024-07-16, from the public catalogue. Day 198.73465956 is 16 July, 17:37:54.585984 exactly.
TLE = """\
STARLINK-1008
1 44714U 19074B   24198.73465956  .00000029  00000+0  20873-4 0  9994
2 44714  53.0559   4.4051 0001579 130.2044 229.9084 15.06403191258176
"""
CSV = """\
OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,\
EPHEMERIS_TYPE,CLASSIFICATION_TYPE,NORAD_CAT_ID,ELEMENT_SET_NO,REV_AT_EPOCH,BSTAR,MEAN_MOTION_DOT,MEAN_MOTION_DDOT
STARLINK-1008,2019-074B,2024-07-16T17:37:54.585984,15.06403191,.0001579,53.0559,4.4051,130.2044,229.9084,\
0,U,44714,999,25817,.20873E-4,.29E-6,0
"""
CELESTRAK_JSON = """\
[{
    "OBJECT_NAME": "STARLINK-1008",
    "OBJECT_ID": "2019-074B",
    "EPOCH": "2024-07-16T17:37:54.585984",
    "MEAN_MOTION": 15.06403191,
    "ECCENTRICITY": 0.0001579,
    "INCLINATION": 53.0559,
    "RA_OF_ASC_NODE": 4.4051,
    "ARG_OF_PERICENTER": 130.2044,
    "MEAN_ANOMALY": 229.9084,
    "EPHEMERIS_TYPE": 0,
    "CLASSIFICATION_TYPE": "U",
    "NORAD_CAT_ID": 44714,
    "ELEMENT_SET_NO": 999,
    "REV_AT_EPOCH": 25817,
    "BSTAR": 2.0873e-5,
    "MEAN_MOTION_DOT": 2.9e-7,
    "MEAN_MOTION_DDOT": 0
}]
"""
SPACE_TRACK_JSON = (
    '[{"CCSDS_OMM_VERS":"3.0","COMMENT":"GENERATED VIA SPACE-TRACK.ORG API","CREATION_DATE":"2024-07-16T22:11:03",'
    '"ORIGINATOR":"18 SPCS","OBJECT_NAME":"STARLINK-1008","OBJECT_ID":"2019-074B","CENTER_NAME":"EARTH",'
    '"REF_FRAME":"TEME","TIME_SYSTEM":"UTC","MEAN_ELEMENT_THEORY":"SGP4","EPOCH":"2024-07-16T17:37:54.585984",'
    '"MEAN_MOTION":"15.06403191","ECCENTRICITY":"0.00015790","INCLINATION":"53.0559","RA_OF_ASC_NODE":"4.4051",'
    '"ARG_OF_PERICENTER":"130.2044","MEAN_ANOMALY":"229.9084","EPHEMERIS_TYPE":"0","CLASSIFICATION_TYPE":"U",'
    '"NORAD_CAT_ID":"44714","ELEMENT_SET_NO":"999","REV_AT_EPOCH":"25817","BSTAR":"0.00002087300000",'
    '"MEAN_MOTION_DOT":"0.00000029","MEAN_MOTION_DDOT":"0.0000000000000","SEMIMAJOR_AXIS":"6925.123",'
    '"DECAY_DATE":null,"TLE_LINE0":"0 STARLINK-1008",'
    '"TLE_LINE1":"1 44714U 19074B   24198.73465956  .00000029  00000-0  20873-4 0  9995"}]'
)
XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<ndm xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="ndmxml-2.0.0-master-2.0.xsd">
  <omm id="CCSDS_OMM_VERS" version="2.0">
    <header><COMMENT>one satellite</COMMENT><CREATION_DATE/><ORIGINATOR/></header>
    <body><segment>
      <metadata>
        <OBJECT_NAME>STARLINK-1008</OBJECT_NAME><OBJECT_ID>2019-074B</OBJECT_ID><CENTER_NAME>EARTH</CENTER_NAME>
        <REF_FRAME>TEME</REF_FRAME><TIME_SYSTEM>UTC</TIME_SYSTEM><MEAN_ELEMENT_THEORY>SGP4</MEAN_ELEMENT_THEORY>
      </metadata>
      <data>
        <meanElements>
          <EPOCH>2024-07-16T17:37:54.585984</EPOCH>
          <MEAN_MOTION units="rev/day">15.06403191</MEAN_MOTION><ECCENTRICITY>.0001579</ECCENTRICITY>
          <INCLINATION units="deg">53.0559</INCLINATION><RA_OF_ASC_NODE>4.4051</RA_OF_ASC_NODE>
          <ARG_OF_PERICENTER>130.2044</ARG_OF_PERICENTER><MEAN_ANOMALY>
            229.9084
          </MEAN_ANOMALY>
        </meanElements>
        <tleParameters>
          <EPHEMERIS_TYPE>0</EPHEMERIS_TYPE><CLASSIFICATION_TYPE>U</CLASSIFICATION_TYPE>
          <NORAD_CAT_ID>44714</NORAD_CAT_ID><ELEMENT_SET_NO>999</ELEMENT_SET_NO><REV_AT_EPOCH>25817</REV_AT_EPOCH>
          <BSTAR>.20873E-4</BSTAR><MEAN_MOTION_DOT>.29E-6</MEAN_MOTION_DOT><MEAN_MOTION_DDOT>0</MEAN_MOTION_DDOT>
        </tleParameters>
      </data>
    </segment></body>
  </omm>
</ndm>
"""
KVN = """\
CCSDS_OMM_VERS = 2.0
COMMENT issue 2 of the standard: units may be shown, BSTAR = drag
CREATION_DATE  = 2024-198T22:11:03
ORIGINATOR     = NOBODY

OBJECT_NAME = STARLINK-1008
OBJECT_ID=2019-074B
CENTER_NAME = EARTH
REF_FRAME = TEME
TIME_SYSTEM = UTC
MEAN_ELEMENT_THEORY = SGP/SGP4
COMMENT
EPOCH = 2024-198T17:37:54.585984Z
MEAN_MOTION = +15.06403191 [rev/day]
ECCENTRICITY = 1.579e-04
INCLINATION = 53.0559 [deg]
RA_OF_ASC_NODE = 4.4051[deg]
ARG_OF_PERICENTER = 130.2044 [deg]
MEAN_ANOMALY = 229.9084 [deg]
GM = 398600.8 [km**3/s**2]
EPHEMERIS_TYPE = 0
CLASSIFICATION_TYPE = U
NORAD_CAT_ID = 44714
ELEMENT_SET_NO = 0999
REV_AT_EPOCH = 25817
BSTAR = 0.000020873 [1/ER]
MEAN_MOTION_DOT = 0.00000029 [rev/day**2]
MEAN_MOTION_DDOT = 0.0 [rev/day**3]
COV_REF_FRAME = TEME
CX_X = 3.331349476038534e-04 [km**2]
USER_DEFINED_EARTH_MODEL = WGS-84
USER_DEFINED_EARTH_MODEL = said again, as user-defined fields may be
"""
# The format that is to be found, and the text.
GOLDEN: dict[str, tuple[str, str]] = {
    "two lines with a name": ("tle", TLE),
    "CSV of CelesTrak": ("csv", CSV),
    "JSON of CelesTrak": ("json", CELESTRAK_JSON),
    "JSON of Space-Track": ("json", SPACE_TRACK_JSON),
    "XML of CelesTrak": ("xml", XML),
    "KVN with units": ("kvn", KVN),
}

FIELDS = {
    "MEAN_MOTION": "mean_motion_rev_day",
    "ECCENTRICITY": "eccentricity",
    "INCLINATION": "inclination_deg",
    "RA_OF_ASC_NODE": "raan_deg",
    "ARG_OF_PERICENTER": "argument_of_perigee_deg",
    "MEAN_ANOMALY": "mean_anomaly_deg",
    "BSTAR": "bstar_per_er",
    "MEAN_MOTION_DOT": "mean_motion_dot_rev_day2",
    "MEAN_MOTION_DDOT": "mean_motion_ddot_rev_day3",
}


def assert_equal(one: Elements, other: Elements) -> None:
    """Every column alike, to the last bit."""
    for field in fields(Elements):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, tuple):
            assert left == right, field.name
        else:
            assert left.dtype == right.dtype, field.name
            assert left.tobytes() == right.tobytes(), (field.name, left, right)


def messages(elements: Elements) -> list[dict[str, str]]:
    """The fields of an OMM of each satellite, with all digits."""
    return [
        {
            "OBJECT_NAME": elements.name[k],
            "OBJECT_ID": elements.international_designator[k],
            "NORAD_CAT_ID": str(elements.catalog_number[k]),
            "EPOCH": np.datetime_as_string(elements.epoch[k], unit="ns"),
        }
        | {field: repr(float(getattr(elements, column)[k])) for field, column in FIELDS.items()}
        for k in range(len(elements))
    ]


def to_csv(elements: Elements) -> str:
    rows = messages(elements)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(elements: Elements) -> str:
    rows: list[dict[str, object]] = [row | {field: float(row[field]) for field in FIELDS} for row in messages(elements)]
    return json.dumps(rows, indent=1)


def to_xml(elements: Elements) -> str:
    bodies = (
        "".join(f"<{field}>{escape(value)}</{field}>" for field, value in row.items()) for row in messages(elements)
    )
    return "<ndm>" + "\n".join(f"<omm><body><segment>{body}</segment></body></omm>" for body in bodies) + "</ndm>"


def to_kvn(elements: Elements) -> str:
    return "".join(
        "CCSDS_OMM_VERS = 3.0\n" + "".join(f"{field} = {value}\n" for field, value in row.items())
        for row in messages(elements)
    )


WRITERS: dict[str, Callable[[Elements], str]] = {"csv": to_csv, "json": to_json, "xml": to_xml, "kvn": to_kvn}


def with_checksum(line: str) -> str:
    """A line of 69 characters: cut or filled up, with its checksum."""
    line = line[:68].ljust(68)
    return line + str(sum(int(c) if c in "0123456789" else c == "-" for c in line) % 10)
