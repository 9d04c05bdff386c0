"""The lexical leg on an index of before figures had a field: it opens, and searches what is there."""

from pathlib import Path

import tantivy

from rag.index.local.bm25 import TantivyIndex, TantivyWriter


def write_old(folder: Path) -> None:
    """An index as the first version wrote it."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", stored=True, indexed=True, fast=True)
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="cut", index_option="freq")
    builder.add_text_field("chars", tokenizer_name="cut", index_option="freq")
    folder.mkdir()
    index = tantivy.Index(builder.build(), path=str(folder))
    index.register_tokenizer("cut", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    writer = index.writer(heap_size=15_000_000, num_threads=1)
    for number, words in ((1, "保修 35 个 月 c"), (2, "保修 三十 十六 六个 个月")):
        document = tantivy.Document()
        document.add_integer("id", number)
        document.add_text("collection", "default")
        document.add_text("terms", words)
        document.add_text("chars", "保 修")
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


def test_an_index_without_figures_serves(tmp_path: Path) -> None:
    write_old(tmp_path / "old")
    index = TantivyIndex(tmp_path / "old")
    assert index.search("保修 35 个月", 5)[0][0] == 1
    assert index.search("三十六个月", 5)[0][0] == 2
    assert [chunk_id for chunk_id, _ in index.search("C++ 规范", 5)] == [1]
    assert index.idf("35") < index.idf("36")


def test_a_figure_is_as_frequent_as_all_its_spellings(tmp_path: Path) -> None:
    writer = TantivyWriter(tmp_path / "new")
    writer.add([(1, "default", "35 台"), (2, "default", "三十五台"), (3, "default", "36 台"), (4, "default", "茶")])
    writer.close()
    index = TantivyIndex(tmp_path / "new")
    assert index.idf("35") < index.idf("36")
    assert index.idf("35台") < index.idf("36台")
    assert {chunk_id for chunk_id, _ in index.search("35 台", 2)} == {1, 2}
    assert {chunk_id for chunk_id, _ in index.search("三十五台", 2)} == {1, 2}


def test_a_term_is_as_rare_as_it_is_among_the_collections_that_are_searched(tmp_path: Path) -> None:
    writer = TantivyWriter(tmp_path / "new")
    writer.add([(1, "open", "年假 35 天"), (2, "open", "病假"), (3, "closed", "林晓雯"), (4, "closed", "年假")])
    writer.close()
    index = TantivyIndex(tmp_path / "new")
    seen = frozenset({"open"})
    assert index.idf("晓雯", seen) == index.idf("无有", seen) > index.idf("年假", seen)
    assert index.character_idf("晓", seen) == index.character_idf("无", seen)
    assert index.idf("晓雯") < index.idf("无有")
    assert index.idf("35", seen) == index.idf("年假", seen)
    assert index.idf("年假", frozenset({"open", "closed"})) == index.idf("年假")
