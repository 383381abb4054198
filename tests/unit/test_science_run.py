"""Can each topic of `make science` be asked for alone?"""

from __future__ import annotations

import pytest

from tests.science import run


def test_every_topic_can_be_measured_and_says_what_it_is() -> None:
    for topic in run.TOPICS:
        assert callable(run.module_of(topic).claims), topic
        assert run.title(topic), topic


def test_the_list_names_every_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(run.TOPICS)


def test_an_unknown_topic_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["lead", "sonw"]) == 2

    told = capsys.readouterr().out
    assert "sonw" in told
    assert "snow_cover" in told
