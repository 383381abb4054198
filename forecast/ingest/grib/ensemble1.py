"""Find what a GRIB edition 1 message is: one forecast, an ensemble's member, or made of many.

Edition 1 itself has no octets for ensembles. The centres write them into the local part of
section 1, from octet 41 on:

- ECMWF (and other centres with sub-centre 98): octet 41 is the local definition; all of them have
  the MARS type at octet 43, and most the number of the member and of all members.
- NCEP (ensemble extension): octet 41 is 1, octet 42 the type of the product, 43 its number, 44 what
  the field is (a forecast, a mean, a spread).

The local part of another centre is not read: where one is there and octet 41 is not 0, the message
is unknown, and is not taken for the deterministic forecast.

Source: ecCodes definitions grib1/local.98.1 to 98.36 and mars/type.table; NCEP Office Note 388,
appendix C (PDS octets 41-60).
"""

from __future__ import annotations

ECMWF, NCEP = 98, 7

# The product templates of edition 2 for the same: code table 4.0.
FORECAST, MEMBER, DERIVED, PROBABILITY, UNKNOWN = 0, 1, 2, 5, 65535

# MARS types: fg an ia oi 3v 4v 3g 4g fc fa
_FORECASTS = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 9, 19))
_CONTROL, _MEMBERS = 10, frozenset((10, 11))  # cf; cf and pf
# fp pb ep cd: probabilities and quantiles
_PROBABILITIES = frozenset((16, 29, 30, 32))
# local definition -> octets of the member, its length, octet of the number of members
_NUMBERS = {
    1: (50, 1, 51),
    15: (50, 2, 57),
    16: (50, 2, 64),
    18: (50, 1, 51),
    23: (50, 2, 82),
    26: (50, 1, 51),
    30: (50, 1, 51),
    36: (50, 1, 51),
}

# MARS types: cm cs em es
_DERIVED = {14: "cluster mean", 15: "cluster spread", 17: "ensemble mean", 18: "ensemble spread"}
# NCEP's octet 44: what a product of all members is
_NCEP_DERIVED = {2: "ensemble mean", 11: "ensemble spread"}

_NCEP_CONTROL, _NCEP_MEMBERS = 1, (2, 3)  # octet 42: control; negatively, positively perturbed
_NCEP_FULL_FIELD = (0, 1)  # octet 44: the forecast itself


def product_of(section: bytes) -> tuple[int, int | None]:
    """Return the product template of edition 2 that section 1 of a message stands for, and the
    member (None: no member of an ensemble).
    """
    centre, sub_centre, local = section[4], section[25], section[40:]
    if not any(local):
        return FORECAST, None
    if ECMWF in (centre, sub_centre):
        return _ecmwf(section)
    if centre == NCEP:
        return _ncep(local)
    return (UNKNOWN if local[0] else FORECAST), None


def derived_name(section: bytes) -> str:
    """Return what a message made of an ensemble's members is, "" where section 1 does not say."""
    if ECMWF in (section[4], section[25]):
        return _DERIVED.get(_octets(section, 43) or 0, "")
    if section[4] == NCEP:
        return _NCEP_DERIVED.get(_octets(section, 44) or 0, "")
    return ""


def _ecmwf(section: bytes) -> tuple[int, int | None]:
    definition, kind = section[40], _octets(section, 43)
    place, length, total = _NUMBERS.get(definition, (0, 0, 0))
    member = _octets(section, place, length) if place else None
    members = _octets(section, total) if place else None
    if kind in _MEMBERS:
        if member is None:
            return (MEMBER, 0) if kind == _CONTROL else (UNKNOWN, None)
        return MEMBER, member
    if kind in _PROBABILITIES:
        return PROBABILITY, None
    if kind in _FORECASTS:
        # an ensemble of analyses or forecasts under the types of single ones (ERA5's members)
        if member is not None and (member or (members or 0) > 1):
            return MEMBER, member
        return FORECAST, None
    return DERIVED, None


def _ncep(local: bytes) -> tuple[int, int | None]:
    application, kind, number, product = (*local[:4], 0, 0, 0, 0)[:4]
    if application != 1:
        return (UNKNOWN if application else FORECAST), None
    if product not in _NCEP_FULL_FIELD:
        return DERIVED, None
    if kind == _NCEP_CONTROL:
        return MEMBER, 0
    if kind in _NCEP_MEMBERS:
        return MEMBER, number
    return DERIVED, None


def _octets(section: bytes, first: int, count: int = 1) -> int | None:
    """Return the number in octets from `first` (the first is 1); None where there are none."""
    if len(section) < first + count - 1:
        return None
    return int.from_bytes(section[first - 1 : first - 1 + count], "big")
