"""In an index of one language the order of the dense leg is that of cosines, whatever the background."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rag.index.base.background import ANY, Background, Spread
from tests.unit.rag.test_dense_search import ASKED, QUESTION, ZH, search_over

SPREADS = st.builds(Spread, st.floats(-1, 1), st.floats(0, 1))


@given(
    st.lists(st.integers(-999, 999), min_size=1, max_size=20, unique=True),
    st.builds(Background, st.fixed_dictionaries({ANY: SPREADS}, optional={"zh": SPREADS}), SPREADS),
    st.integers(1, 25),
)
def test_one_language_is_in_the_order_of_cosines(thousandths: list[int], background: Background, limit: int) -> None:
    cosines = {number: each / 1000 for number, each in enumerate(thousandths)}
    with tempfile.TemporaryDirectory() as folder:
        chunks = [(number, ZH, cosine) for number, cosine in cosines.items()]
        search = search_over(Path(folder), chunks, {QUESTION: background})
        found = search.search(ASKED, QUESTION, limit)
        search.chunks.close()
    assert [number for number, _ in found.hits] == sorted(cosines, key=lambda number: -cosines[number])[:limit]
    assert list(found.standings) == sorted(found.standings, reverse=True)
