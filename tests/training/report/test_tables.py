"""How figures are written."""

from dataclasses import replace

from training.quiet_land import QuietRow
from training.report.tables import Table, quiet_cell, size_label, with_interval


def test_a_figure_with_its_interval() -> None:
    """Brackets for the interval, none where there is none, a dash for nothing."""
    assert with_interval(0.5214, (0.46, 0.56)) == "0.521 (0.460–0.560)"
    assert with_interval(0.5214, None) == "0.521"
    assert with_interval(0.52, (0.46, 0.561), percent=True) == "52% (46–56)"
    assert with_interval(-0.01, (-0.02, 0.003), signed=True) == "-0.010 (-0.020 to +0.003)"
    assert with_interval(float("nan"), (float("nan"), float("nan")), percent=True) == "–"


def test_sizes_in_words() -> None:
    """The outer classes are open."""
    found = [size_label(*limits) for limits in ((0.0, 0.1), (0.5, 1.0), (2.0, float("inf")))]
    assert found == ["< 0.1 ha", "0.5–1 ha", "≥ 2 ha"]


def test_quiet_rates_have_no_decimals() -> None:
    """They are known to a few per cent at best."""
    row = QuietRow(source="hills", seen_km2=100.0, false_ha=123.4, interval=(800.0, 1700.0))
    assert quiet_cell(row) == "1,234 (800–1,700)"


def test_a_quiet_rate_says_when_its_ground_was_trained_on() -> None:
    """In the brackets of the interval, or alone where there is none."""
    row = QuietRow(source="hills", seen_km2=100.0, false_ha=123.4, interval=(800.0, 1700.0))
    assert quiet_cell(row, "trained on") == "1,234 (800–1,700; trained on)"
    assert quiet_cell(replace(row, interval=None), "trained on") == "1,234 (trained on)"


def test_a_table_in_markdown_and_html() -> None:
    """Columns line up; HTML is escaped and puts the interval below its figure."""
    table = Table(title="T", meaning="M.", head=("a<b", "F1"), rows=(("x & y", "0.5 (0.4–0.6)"),))
    lines = table.markdown().splitlines()
    assert lines[:3] == ["## T", "M.", ""]
    assert len({len(line) for line in lines[3:]}) == 1
    assert "<th>a&lt;b</th>" in table.html()
    assert "<td>x &amp; y</td><td>0.5<small>0.4–0.6</small></td>" in table.html()


def test_a_column_of_sentences_wraps_in_html() -> None:
    """Its brackets are its own; the other columns are as ever."""
    table = Table(title="T", meaning="M.", head=("a", "why"), rows=(("x (1)", "too small (of 3)"),), prose=("why",))
    assert '<th>a</th><th class="prose">why</th>' in table.html()
    assert '<td>x<small>1</small></td><td class="prose">too small (of 3)</td>' in table.html()


def test_columns_with_nothing_are_left_out() -> None:
    """A column stays for a single cell."""
    table = Table(title="T", meaning="M.", head=("a", "b", "c"), rows=(("x", "", ""), ("y", "", "1")))
    assert table.without_empty_columns().head == ("a", "c")
    assert table.without_empty_columns().rows == (("x", ""), ("y", "1"))
    assert replace(table, rows=()).without_empty_columns().head == ("a", "b", "c")
