"""`decode` and `check`, as the command line runs them."""

import re
from pathlib import Path

import pytest

from harness.cli import main
from spaces.shortcuts.space import ShortcutSpace

pytestmark = [pytest.mark.long, pytest.mark.drawn]

THETA = Path(__file__).parents[2] / "data" / "cell_theta.csv"
DARTS_V2 = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)


def said(capsys, *arguments, code=0):
    """The lines that a command prints, by their first word."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    assert end.value.code == code, err
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines()) if out else err


def test_study_1_read_node_wise_is_what_its_report_says(capsys, tmp_path):
    drawing = tmp_path / "cell.svg"
    found = said(capsys, "decode", THETA, "--space", "cell-study1", "--rule", "node-wise", "--svg", drawing)
    assert found["operations"] == "1 × conv_5x5, 4 × max_pool_3x3"
    assert found["depth"].startswith("10 layers")
    assert found["shortcuts"] == "0"
    assert found["parameters"] == "29,370"
    assert "<svg" in drawing.read_text()
    assert found["drawing"] == str(drawing)


def test_what_it_prints_can_be_decoded_again(capsys, tmp_path):
    first = said(capsys, "decode", THETA, "--space", "cell-study1", "--rule", "edge-wise")
    (tmp_path / "found.txt").write_text(first["architecture"] + "\n")
    assert said(capsys, "decode", tmp_path / "found.txt", "--space", "cell-study1") == first


def test_darts_genotype(capsys):
    found = said(capsys, "decode", DARTS_V2, "--space", "cell-darts")
    assert found["parameters"] == "3,349,342"
    assert found["shortcuts"] == "5"
    assert found["in reduction"] == "5 × max_pool_3x3, 3 × skip_connect"


def test_shortcuts_over_a_narrow_vgg(capsys, tmp_path):
    found = said(capsys, "decode", "vgg19 1-3 2-7", "--space", "shortcut-vgg19", "--svg", tmp_path / "vgg.svg")
    assert found["depth"].startswith("17 layers")
    assert found["shortcuts"] == "2"
    narrow = said(capsys, "decode", "vgg19 1-3 2-7", "--space", "shortcut-vgg19", "--option", "width=0.125")
    assert int(narrow["parameters"].replace(",", "")) < int(found["parameters"].replace(",", "")) / 50


def test_a_cell_that_fell_apart_says_what_was_cut_off(capsys, tmp_path):
    text = "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3,2>3:max_pool_3x3"
    found = said(capsys, "decode", text, "--space", "cell-study1", "--svg", tmp_path / "cell.svg")
    assert "none of the concatenated nodes 3, 4, 5 is reached" in found["disconnected"]
    assert found["cut off"] == "0>1:conv_3x3, 2>3:max_pool_3x3"
    assert "parameters" not in found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nonsense", "--space", "cell-study1"), "is no cell architecture"),
        ((THETA, "--space", "cell-darts"), "two kinds of them"),
        ((THETA, "--space", "cell-study1-two-inputs"), "the table's edges are not the cell's 20"),
        ((THETA, "--space", "shortcut-vgg19"), "this space has no cells"),
        ((THETA, "--space", "cell-study1", "--rule", "best"), "rule 'best' is unknown"),
        ((THETA, "--space", "cell-study1", "--option", "nodes"), "--option nodes: write NAME=VALUE"),
        (
            (THETA, "--space", "cell-study1", "--option", "nodes=" + "[" * 5000),
            "nodes must be an integer, as in",
        ),
        (
            (THETA, "--space", "cell-study1", "--option", "nodes=" + "9" * 5000),
            "nodes must be an integer, as in",
        ),
        (("vgg19", "--space", "shortcut-vgg19", "--rule", "A"), "--rule A reads a table of θ, and this is none"),
        ((str(Path(THETA).parent), "--space", "cell-study1"), "is no regular file"),
        (("vgg19 1-2", "--space", "shortcut-vgg19"), "is no architecture over vgg19"),
        (("vgg19", "--space", "nowhere:Space"), "cannot be imported"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(capsys, arguments, says):
    error = said(capsys, "decode", *arguments, code=2)
    assert says in error
    assert len(error.strip().splitlines()) == 1


def test_a_drawing_is_written_over_no_file_of_something_else(capsys, tmp_path):
    (tmp_path / "study.toml").write_text("name = 'mine'\n")
    error = said(capsys, "decode", "vgg19", "--space", "shortcut-vgg19", "--svg", tmp_path / "study.toml", code=2)
    assert "study.toml exists already and has other contents" in error
    assert (tmp_path / "study.toml").read_text() == "name = 'mine'\n"


@pytest.mark.parametrize(
    "words",
    [
        ("decode", "vgg19", "--space", "x", "--svg"),
        ("decode", "vgg19", "--space", "x", "--rule"),
        ("plan", "demo", "--results"),
        ("report", "x", "--out"),
        ("run", "demo", "--address"),
        ("run", "demo", "--path"),
        ("tune", "demo", "--tuning"),
    ],
    ids=str,
)
def test_an_option_of_nothing_is_refused(capsys, words):
    """Such as a variable that is not set leaves."""
    assert f"argument {words[-1]}: must not be empty; give a value, or leave it out" in said(capsys, *words, "", code=2)


def test_a_null_byte_is_of_no_path(capsys):
    assert "argument --results: it holds a null byte" in said(capsys, "plan", "demo", "--results", "a\0b", code=2)


def test_a_largest_number_of_seeds_goes_with_looks(capsys):
    assert "--max-seeds goes with --until decided" in said(capsys, "run", "demo", "--max-seeds", "3", code=2)


def test_check_of_a_space_that_keeps_the_contract(capsys):
    with pytest.raises(SystemExit) as end:
        main(["check", "shortcut-vgg11", "--option", "width=0.0625"])
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok      ") for line in lines[:-1])
    assert lines[-1] == "shortcut-vgg11: the contract holds"


class Forgetful(ShortcutSpace):
    """A space whose texts do not parse back."""

    def __init__(self) -> None:
        super().__init__("vgg11", 0.0625)

    def parse(self, text):
        return self.baseline()


def test_check_names_what_does_not_hold(capsys):
    with pytest.raises(SystemExit) as end:
        main(["check", "tests.harness.commands.test_decode:Forgetful"])
    assert end.value.code == 1
    out = capsys.readouterr().out
    assert re.search(r"FAILED  A: samples are valid, reproducible and different: vgg11 .* does not parse back", out)
    assert "checks failed" in out
