"""What the changes of a forecaster are worth: for that person, beside those of all together."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from forecast.learning import verify
from forecast.service.web.application import words
from forecast.service.web.context import account, context
from forecast.service.web.guards import needs
from forecast.verification import MACHINE
from products.pages.verification import changes_in_sum, changes_text

blueprint = Blueprint("changes", __name__, url_prefix="/desk/changes")


@blueprint.get("")
@needs("see")
def mine() -> ResponseReturnValue:
    """Show how the forecasts that this person changed compare with the machine's."""
    here, person = context(), account()
    assert person is not None  # `needs` let somebody in
    found = verify.changes_by(here.archive, here.config, here.clock(), person.id)
    everybody = verify.kept(here.config.learning.folder)
    return render_template(
        "desk/changes.html",
        line=found,
        mine=changes_text(found.skills[MACHINE], words()) if found else "",
        everybody=changes_in_sum(everybody, words()) if everybody else "",
    )
