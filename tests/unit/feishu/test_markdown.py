"""What foreign markdown looks like afterwards."""

import pytest

from feishu.cards.markdown import broken_text, escape_text, safe_markdown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**报销** 5 天 [1]，见 R&D 手册 *a_b*", "**报销** 5 天 [1]，见 R&D 手册 *a_b*"),
        ("# 标题\n\n> 引用\n- 一\n  1. 二\n\n---\n~~x~~", "# 标题\n\n> 引用\n- 一\n  1. 二\n\n---\n~~x~~"),
        ("<at id=all></at>", "&#60;at id=all>&#60;/at>"),
        ("&lt;at id=all&gt; &#60;", "&#38;lt;at id=all&#38;gt; &#38;#60;"),
        ("a < b && c", "a &#60; b && c"),
        ("[手册](https://e.cn/a?b=1&c=2#d)", "[手册](https://e.cn/a?b=1&c=2#d)"),
        ("[手册](HTTPS://E.cn 'title')", "[手册](HTTPS://E.cn)"),
        ("[手册](<https://e.cn/a b>)", "[手册](https://e.cn/a%20b)"),
        ("[w](https://zh.wiki/R_(x))", "[w](https://zh.wiki/R_%28x%29)"),
        ("[**粗** `c`](https://e.cn)", "[**粗** `c`](https://e.cn)"),
        ("[点我](javascript:alert(1))", "点我"),
        ("[打开](lark://client/x)", "打开"),
        ("[见](../install.md)", "见"),
        ("[x](tel:110) [y](mailto:a@b.c) [z]() [h](https://)", "x y z h"),
        ("lark://client ftp://h http://ok", "lark&#58;//client ftp&#58;//h http://ok"),
        ("[ref]: javascript:1", "[ref]&#58; javascript:1"),
        ("f[i](see below)", "f[i]&#40;see below)"),
        ("![图](http://e.cn/i.png)", "🖼 图"),
        ("![](data:image/png;base64,xx)", "🖼"),
        ("![图](img_v2_ab-c)", "🖼 图"),
        ("[![图](http://e/i.png)](https://e.cn)", "[🖼 图](https://e.cn)"),
        ("用 `a < b` 和 ``x ` <b>``", "用 `a < b` 和 ``x ` <b>``"),
        ("stray ` <b>\nnext ` line", "stray &#96; &#60;b>\nnext &#96; line"),
        ("\\`<b>\\` \\*x\\* \\[y\\] C:\\dir", "&#96;&#60;b>&#96; \\*x\\* &#91;y&#93; C:\\dir"),
        ("```py\nif a < b:\n    pass\n```\nx", "```py\nif a < b:\n    pass\n```\nx"),
        ("1. 步骤\n   ```sh\n   ls <dir>\n   ```\n2. 完", "1. 步骤\n```sh\nls <dir>\n```\n2. 完"),
        ("- ```\n  a\n  ```", "-\n```\na\n```"),
        ("> ```\n>   <b>\n> ```\n> <b>", "```\n  <b>\n```\n> &#60;b>"),
        ("> ```\n> <b>\nout <b>", "```\n<b>\n```\nout &#60;b>"),
        ("~~~text <at id=all>\n```\n~~~\n<b>", "~~~text\n```\n~~~\n&#60;b>"),
        ("```\nopen", "```\nopen\n```"),
        ("```\nopen\n", "```\nopen\n```"),
        ("```", "```\n```"),
        ("a\r\nb\rc\x00", "a\nb\nc\ufffd"),
        ("", ""),
        ("A<br>B<BR/>C</br>D<br />E <br class='x'> F", "A<br>B<br>C<br>D<br>E <br> F"),
        ("A<br>\nB<br>  ", "A  \nB  "),
        ("| a<br/>b | `<br>` |\n|---|---|\n| c | d<BR> |", "| a<br>b | `<br>` |\n|---|---|\n| c | d<br> |"),
        ("[a<br>b](https://e.cn) <brx> \\<br>", "[a b](https://e.cn) &#60;brx> &#60;br>"),
        ("```\n<br>\n```", "```\n<br>\n```"),
        ("**注意：**超期不予报销", "**注意：** 超期不予报销"),
        ("**差旅（含住宿）**费用", "**差旅（含住宿）** 费用"),
        ("**“十五个工作日”**内提交", "**“十五个工作日”** 内提交"),
        ("用**《办法》**第3条，~~（旧）~~新", "用 **《办法》** 第3条，~~（旧）~~ 新"),
        ("见**[手册](https://e.cn/a)**和**`x`**后", "见 **[手册](https://e.cn/a)** 和 **`x`** 后"),
        ("***注意：***超，**重：*务必*提交！**超", "***注意：*** 超，**重：*务必*提交！** 超"),
        ("**重要**“十五”**中**（文）", "**重要**“十五”**中**（文）"),
        ("2**3**4 a**（b 基数*（1+系数）*天数", "2**3**4 a**（b 基数*（1+系数）*天数"),
        ("`**注意：**超期` \\**注意：**超", "`**注意：**超期` \\**注意：**超"),
    ],
)
def test_foreign_markdown(written: str, shown: str) -> None:
    assert safe_markdown(written) == shown


TABLE = "| a | b |\n|---|---|\n| <1> | 2 |\n"
SAFE_TABLE = TABLE.replace("<", "&#60;")


def test_tables_beyond_the_limit_become_code() -> None:
    text = f"{TABLE}\n" * 3 + "end"
    assert safe_markdown(text, max_tables=2) == f"{SAFE_TABLE}\n" * 2 + f"```\n{TABLE}```\n\nend"
    assert safe_markdown(text) == f"{SAFE_TABLE}\n" * 3 + "end"
    assert safe_markdown(TABLE.strip(), max_tables=0) == f"```\n{TABLE}```"
    assert safe_markdown("a | b\n---|---\n1 | 2", max_tables=0) == "a | b\n```\n---|---\n1 | 2\n```"


def test_a_table_as_code_has_its_line_breaks_as_slashes() -> None:
    shown = safe_markdown("| 甲<br>乙 | `<br>` |\n|---|---|\n| 丙<br/>丁 | 2 |", max_tables=0)
    assert shown == "```\n| 甲 / 乙 | `<br>` |\n|---|---|\n| 丙 / 丁 | 2 |\n```"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("A<br>B<BR />C", "A\nB\nC"),
        ("| a<br>b | `<br>` |", "| a / b | `<br>` |"),
        ("```\n<br>\n```\n<br>x", "```\n<br>\n```\n\nx"),
        ("1 < 2 ` <br>", "1 < 2 ` \n"),
    ],
)
def test_line_breaks_of_a_plain_text(written: str, shown: str) -> None:
    assert broken_text(written) == shown


def test_a_line_of_pipes_that_is_no_table_stays() -> None:
    assert safe_markdown("| a |\n| b |\nc", max_tables=0) == "| a |\n| b |\nc"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("见 [手册](https://e", "见 "),
        ("见 [1", "见 "),
        ("a ![图", "a "),
        ("a `co", "a "),
        ("a `co`", "a "),
        ("a `co` ", "a `co` "),
        ("R&D", "R"),
        ("R&D 部", "R&D 部"),
        ("<at", "&#60;at"),
        ("x <b", "x "),
        ("x <br", "x "),
        ("x <br>", "x "),
        ("x <br>y", "x <br>y"),
        ("**注意：**", "**注意："),
        ("用**“十", "用"),
        ("用**“十**", "用"),
        ("用**“十”**内", "用 **“十”** 内"),
        ("x\n```py", "x\n"),
        ("x\n```py\nfor", "x\n```py\nfor"),
        ("x\n```py\nfor\n``", "x\n```py\nfor\n"),
        ("x\n- ", "x\n"),
        ("x\n- y", "x\n- y"),
        ("Note:", "Note"),
        ("报销：", "报销："),
    ],
)
def test_while_streaming_what_is_undecided_is_held_back(written: str, shown: str) -> None:
    assert safe_markdown(written, streaming=True) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("报销 <at id=all>\n第二行", "报销 &#60;at id&#61;all> 第二行"),
        ("# *x* [y](z) `c` a_b: ~ !", "&#35; &#42;x&#42; &#91;y&#93;&#40;z&#41; &#96;c&#96; a&#95;b&#58; &sim; &#33;"),
        ("R&D &lt; - +", "R&D &#38;lt; - +"),
        ("- item", "&#45; item"),
    ],
)
def test_titles_are_one_line_of_words(written: str, shown: str) -> None:
    assert escape_text(written) == shown.replace("&#61;", "=").replace("all>", "all&#62;")


def test_an_image_is_shown_only_where_the_caller_knows_its_key() -> None:
    text = "![图](img_v2_ab-c) ![x](img_made_up)"
    assert safe_markdown(text, images=frozenset({"img_v2_ab-c"})) == "![图](img_v2_ab-c) 🖼 x"
