"""The headings of a document among its blocks."""

from feishu.api.document_blocks import Heading, headings_in, text_of


def test_headings_are_those_of_all_nine_levels_with_all_their_words() -> None:
    run = {"text_run": {"content": "见 "}}
    mention = {"mention_doc": {"title": "制度", "url": "https://x.example"}}
    blocks = [
        {"block_id": "b1", "block_type": 1, "page": {"elements": [{"text_run": {"content": "标题"}}]}},
        {"block_id": "b2", "block_type": 3, "heading1": {"elements": [run, mention]}},
        {"block_id": "b3", "block_type": 2, "text": {"elements": [run]}},
        {"block_id": "b4", "block_type": 11, "heading9": {"elements": [{"equation": {"content": "x^2"}}]}},
        {"block_id": "b5", "block_type": 12, "bullet": {}},
    ]
    assert headings_in(blocks) == [Heading("见 制度", "b2"), Heading("x^2", "b4")]


def test_odd_blocks_are_no_headings() -> None:
    odd = [{}, {"block_type": 3}, {"block_id": 7, "block_type": 4}, {"block_id": "b", "block_type": "3"}]
    assert headings_in(odd) == []
    assert text_of({"heading1": {"elements": [None, {}, {"text_run": None}, {"divider": {}}]}}, "heading1") == ""
