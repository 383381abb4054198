"""What a GRIB2 message made of all members of an ensemble is: their mean, their spread, ...

Source: WMO-No. 306, vol. I.2, templates 4.2 and 4.12, code table 4.7.
"""

from __future__ import annotations

TEMPLATES = (2, 12)  # at a moment; over a span of time
OCTET = 35  # of section 4: code table 4.7
NAMES = {
    0: "ensemble mean",
    1: "ensemble mean",  # weighted
    2: "cluster spread",
    3: "cluster spread",  # normalised
    4: "ensemble spread",
    6: "cluster mean",
    7: "ensemble interquartile range",
    8: "ensemble minimum",
    9: "ensemble maximum",
}


def derived_name2(section: bytes, template: int) -> str:
    """Return what section 4 says that a message is, "" where it is none of these or not known."""
    if template not in TEMPLATES or len(section) < OCTET:
        return ""
    return NAMES.get(section[OCTET - 1], "")
