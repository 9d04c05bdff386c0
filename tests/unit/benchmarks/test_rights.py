"""What benchmarks/rights.py measures: a company in which audiences see about what they are called by."""

import random
from pathlib import Path

import pytest

from benchmarks import rights
from benchmarks.rights import PREFIX, Company, Size, beside, main

SMALL = Size(documents=400, principals=2_100, questions=4, groups=(2, 3))


@pytest.mark.parametrize("distinct", [False, True])
def test_people_see_their_share_and_groups_what_all_of_them_see(distinct: bool) -> None:
    company = Company(rights.QUICK)
    lists = company.lists(distinct=distinct)
    sources = [f"{PREFIX}{number}" for number in range(rights.QUICK.documents)]
    seen = {
        name: {source for source in sources if lists.shows(audience, source)} for name, audience in company.audiences()
    }
    shares = [len(seen[name]) / len(sources) for name in ("one, 0.1 %", "one, 5 %", "one, 60 %")]
    assert shares[0] < 0.01 < shares[1] < 0.2 < 0.4 < shares[2] < 0.8
    assert seen["20"] <= seen["5"] and len(seen["20"]) > 0.1 * len(sources)
    assert (len(set(lists.readers.values())) == len(sources)) is distinct
    assert "space:7" in company.person(0.9, random.Random(0), [7])


def test_ratios_are_of_pairs_and_their_median() -> None:
    asked: list[str] = []
    ratio, _ = beside(["a", "b", "c"], lambda text: asked.append(text), lambda text: asked.append(text.upper()))
    assert ratio > 0
    assert asked == ["A", "a", "b", "B", "C", "c"]


def test_a_small_run_tells_each_audience_and_keeps_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rights, "QUICK", SMALL)
    main(["--quick", "--json", str(tmp_path / "rights.json")])
    told = capsys.readouterr().out
    for name in ("one, 0.1 %", "one, 5 %", "one, 60 %", "all distinct", "at most"):
        assert name in told
    assert '"whole"' in (tmp_path / "rights.json").read_text("utf-8")
