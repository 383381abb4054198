"""What physics can derive of what a model does not give."""

from __future__ import annotations

from forecast.domain import Atmosphere


def join_aerosol(atmosphere: Atmosphere, aerosol: Atmosphere) -> Atmosphere:
    """Return `atmosphere` with the aerosol optical thickness of `aerosol` at its times and places."""
    raise NotImplementedError
