"""Tables that people have opened and saved read to the same values."""

import csv
import io
import json
import re
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyama.analysis.sample_tables import load_fitted, load_timed
from pyama.analysis.table_files import read_header, read_table, write_table
from pyama.errors import ConfigError, PyamaError, StoreError
from pyama.traces.table_text import read_comments, read_table_text

HEADER = {"sample": "a, b", "fovs": [0, 7], "times": {"0": [0.0, 2.5], "7": [0.25, 3e-05]}}


@dataclass(frozen=True)
class Dialect:
    """How a program writes a table."""

    separator: str
    encoding: str
    line_end: str
    comma: bool
    quoting: int
    split_comments: bool
    padding: int
    separator_line: bool

    def save(self, path, text):
        """Write a table of pyama as this program does after it has opened it."""
        comments = [line for line in text.splitlines() if line.startswith("#")]
        rows = list(csv.reader(text.splitlines()[len(comments) :]))
        width = len(rows[0]) + self.padding
        quoted = [line.split(",") if self.split_comments else [line] for line in comments]
        lines = [[self.field(field) for field in row] for row in (*quoted, *rows)]
        file = io.StringIO()
        writer = csv.writer(
            file,
            delimiter=self.separator,
            quoting=self.quoting,
            lineterminator=self.line_end,
        )
        if self.separator_line:
            file.write(f"sep={self.separator}{self.line_end}")
        writer.writerows([*line, *[""] * (width - len(line))] for line in lines)
        path.write_bytes(file.getvalue().encode(self.encoding))

    def field(self, text):
        try:
            float(text)
        except ValueError:
            return text
        return text.replace(".", ",") if self.comma else text


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
    ),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    comma=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    split_comments=st.booleans(),
    padding=st.integers(0, 3),
    separator_line=st.booleans(),
)
NUMBERS = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1234.5, 1e-300, 2.5e17])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 500),
        st.integers(1, 10**6),
        st.booleans(),
        NUMBERS,
        st.none() | NUMBERS,
        st.sampled_from(["", "plain", "é, µ", "5 € “x”…", 'said "no"', "1;2"]),
    ),
    min_size=1,
    max_size=6,
)


@given(dialect=DIALECTS, rows=ROWS)
def test_every_dialect_reads_to_the_same_values(dialect, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    columns = ["fov", "cell", "good", "time", "area_ch_0", "message"]
    # One number that nobody takes for a thousand.
    table = pd.DataFrame([*rows, (0, 1, True, 0.25, 0.125, "")], columns=columns)
    (path,) = write_table(folder / "own.csv", table, HEADER)
    touched = folder / "touched.csv"
    dialect.save(touched, path.read_text(encoding="utf-8"))
    expected, header = read_table(path)
    pd.testing.assert_frame_equal(expected, pd.read_csv(path, comment="#"))
    assert header == HEADER
    read, kept = read_table(touched)
    pd.testing.assert_frame_equal(read, expected)
    assert kept == HEADER
    assert read_header(touched) == HEADER


def put(folder, text, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def test_comments_of_other_programs_are_kept(tmp_path):
    path = put(tmp_path, '"# Time units: min";;\n# version: "1";\n\ntime;1;2\n0,5;3,25;4\n')
    assert read_comments(path) == ("# Time units: min", '# version: "1"')
    table, header = read_table(path)
    assert header == {"Time units": "min", "version": "1"}
    assert table.to_numpy().tolist() == [[0.5, 3.25, 4]]


def test_numbers_in_split_comments_have_points_again(tmp_path):
    lines = ['"# times: {""0"": [0";2,5;30]};', "fov;cell;value", "0;1;2,5", ";;"]
    path = put(tmp_path, "\r\n".join(lines))
    assert read_header(path) == {"times": {"0": [0, 2.5, 30]}}
    assert len(read_table(path)[0]) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("TRUE,FALSE", [True, False]),
        ("WAHR,FALSCH", [True, False]),
        ("VRAI,FAUX", [True, False]),
        ("1,0", [1, 0]),
        ("yes,no", ["yes", "no"]),
    ],
)
def test_words_for_true_are_read_in_the_language_of_the_spreadsheet(tmp_path, words, expected):
    path = put(tmp_path, "cell;good\n" + "".join(f"1;{w}\n" for w in words.split(",")))
    assert read_table(path)[0]["good"].tolist() == expected


def test_names_of_columns_may_hold_other_separators(tmp_path):
    path = put(tmp_path, "time;area, total;1\n0,5;2;3\n")
    assert list(read_table(path)[0]) == ["time", "area, total", "1"]


def test_a_comma_is_that_of_decimals_if_one_number_cannot_have_thousands(tmp_path):
    table = read_table(put(tmp_path, "a\tb\n1,234\t0,5\n"))[0]
    assert table.to_numpy().tolist() == [[1.234, 0.5]]


def test_columns_without_a_name_are_left_out(tmp_path):
    path = put(tmp_path, ",time,cell,value,\n0,0.5,1,2,\n1,0.75,1,3,\n")
    assert list(read_table(path)[0]) == ["time", "cell", "value"]


REFUSED = [
    pytest.param(b"", "it is empty", id="empty"),
    pytest.param('"', "no names of columns", id="a quote"),
    pytest.param("\n\n", "no line with the names", id="blank"),
    pytest.param('# sample: "a"\n', "no line with the names", id="comments only"),
    pytest.param(b"PK\x03\x04...", "it is an Excel or OpenDocument workbook", id="xlsx"),
    pytest.param(b"\xd0\xcf\x11\xe0..", "it is an Excel workbook; save", id="xls"),
    pytest.param(b"PAR1..", "it is a Parquet file; give the CSV", id="parquet"),
    pytest.param(b"\x1f\x8b..", "it is compressed; unpack", id="gzip"),
    pytest.param("a,b\n1,\x00\n", "it is not text", id="zero"),
    pytest.param(b"a,b\n1,\x81\n", "it is not text", id="no encoding"),
    pytest.param(
        "a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, but there are names for 2", id="wide"
    ),
    pytest.param("# x: 1\na,b\n1,2\n1\n", "line 4 has 1 field, but .* 2 columns", id="short"),
    pytest.param("a,b,a\n1,2,3\n", "two columns named 'a'", id="twice"),
    pytest.param(
        "a;b\n1,5;2.5\n", r"have a comma \(1,5\) and some a point \(2.5\)", id="both"
    ),
    pytest.param('a,b\n"1,234",2\n', "comma in 1,234 may be that of", id="thousands"),
    pytest.param("a\tb\n1,234\t2\n", "comma in 1,234 may be that of", id="thousands, tabs"),
]


@pytest.mark.parametrize(("content", "why"), REFUSED)
def test_what_is_no_table_is_one_sentence(tmp_path, content, why):
    path = put(tmp_path, content)
    with pytest.raises(StoreError, match=rf"table\.csv cannot be read as a table: .*{why}"):
        read_table_text(path).frame()


@example(content=b'"')
@given(content=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_content_is_read_or_refused_in_one_sentence(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(content)
    for read in (read_table, read_header, load_timed, load_fitted):
        message = ""
        try:
            read(path)
        except PyamaError as error:
            message = str(error)
        assert not re.search(r"[a-z]Error\b|Error\(", message)


# One column per cell

WIDE = {(0, 3): [1.0, 2.0, 3.5], (7, 3): [4.0, None, 6.0], (0, 12): [7.0, 8.0, 9.0]}


@pytest.mark.parametrize(
    ("name", "has_fov"),
    [
        ("fov_{:03d}_cell_{}", 1),
        ("{}_{}", 1),
        ("FOV {} Cell {}", 1),
        ("{1}", 0),
        ("cell{1}", 0),
    ],
)
def test_wide_tables_give_a_row_per_cell_and_time(tmp_path, name, has_fov):
    cells = {
        (fov if has_fov else 0, cell): values
        for (fov, cell), values in WIDE.items()
        if has_fov or fov == 0
    }
    wide = pd.DataFrame({"Time": [0.0, 0.5, 1.0]})
    for fov, cell in cells:
        wide[name.format(fov, cell)] = cells[fov, cell]
    wide[name.format(9, 99)] = None  # a cell that another field of view has
    path = tmp_path / "wide.csv"
    path.write_text("# Time units: h\n" + wide.to_csv(index=False, sep=";", decimal=","))
    table, header = load_timed(path)
    assert header == {"Time units": "h"}
    assert list(table) == ["fov", "cell", "time", "value"]
    for (fov, cell), part in table.groupby(["fov", "cell"]):
        expected = [(t, y) for t, y in zip((0, 0.5, 1), cells[fov, cell], strict=True) if y]
        assert part[["time", "value"]].to_numpy().tolist() == [list(pair) for pair in expected]
    assert table.groupby(["fov", "cell"]).ngroups == len(cells)


def test_cells_without_numbers_are_numbered_with_a_warning(tmp_path):
    path = put(tmp_path, "time,A,B\n0,1,2\n1,3,4\n")
    with pytest.warns(UserWarning, match="from left to right: 1 is 'A', 2 is 'B'"):
        table, _ = load_timed(path)
    assert table["cell"].tolist() == [1, 1, 2, 2]
    assert table["value"].tolist() == [1, 3, 2, 4]


@pytest.mark.parametrize(
    "text",
    [
        "time,fov,value\n0,1,2\n",
        "time,area_ch_0\n0,1\n",
        "time,value\n0,1\n",
        "time\n0\n",
        "hours,1,2\n0,1,2\n",
        "time,1,2\n0,1,x\n",
    ],
)
def test_tables_with_neither_cells_nor_a_column_per_cell_are_named(tmp_path, text):
    path = put(tmp_path, text)
    columns = ", ".join(text.splitlines()[0].split(","))
    with pytest.raises(ConfigError, match=f"its columns: {columns}.*Expected a traces file"):
        load_timed(path)


def test_text_in_a_column_of_numbers_is_shown(tmp_path):
    path = put(tmp_path, "cell,time,value\n1,x,2\n")
    with pytest.raises(ConfigError, match="Its column time holds 'x'"):
        load_timed(path)


def test_entries_of_damaged_comments_are_skipped(tmp_path):
    path = put(tmp_path, "# times: {0\n# units\n" + f"# ok: {json.dumps(2)}\n" + "a\n1\n")
    assert read_table(path)[1] == {"ok": 2}
