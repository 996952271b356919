import xml.etree.ElementTree as ElementTree

import pytest

from vqfr_core.evaluation.contestants import INPUT, Row
from vqfr_core.evaluation.plot import draw_tradeoff
from vqfr_core.evaluation.run import Measurement, Outcome
from vqfr_core.evaluation.tables import Column, Summary, as_json, columns_of, markdown_table, summarize

INPUT_ROW, MODEL_ROW = Row(INPUT), Row("net", 0.5)


@pytest.fixture
def outcome() -> Outcome:
    values = {
        INPUT_ROW: [{"psnr": 20.0, "lmd": 3.0}, {"psnr": 22.0, "lmd": None}],
        MODEL_ROW: [{"psnr": 24.0, "lmd": 2.0}, {"psnr": 21.0, "lmd": 1.0}],
    }
    measured = [
        Measurement("light", row, f"face{number}", each)
        for row, pictures in values.items()
        for number, each in enumerate(pictures)
    ]
    return Outcome(measured, {("light", MODEL_ROW): {"fid": 1.5, "kid": 0.001}})


def test_means_leave_out_what_has_no_number_and_say_so(outcome):
    before, after = summarize(outcome)
    assert before.means == {"psnr": 21.0, "lmd": 3.0} and before.counts == {"psnr": 2, "lmd": 1}
    assert after.means == {"psnr": 22.5, "lmd": 1.5, "fid": 1.5, "kid": 0.001}
    assert after.better == {"psnr": 1, "lmd": 1} and before.better == {}


def test_the_table(outcome):
    lines = markdown_table(summarize(outcome), columns_of(["psnr", "lmd"], None)).splitlines()
    assert lines[0] == "| level | pictures | restored by | PSNR (dB) ↑ | LMD (5 points, px) ↓ |"
    assert lines[2] == "| light | 2 | input | 21.00 | 3.00 (1 of 2 pictures) |"
    assert lines[3] == "| light | 2 | net, fidelity 0.5 | 22.50 (better 1) | 1.50 (better 1) |"


def test_no_number_is_none_and_not_zero(outcome):
    for m in outcome.measurements:
        m.values["lmd"] = None
    summaries = summarize(outcome)
    assert "none" in markdown_table(summaries, columns_of(["lmd"], None))
    assert as_json(outcome, summaries)["summary"][0]["mean"]["lmd"] is None


def test_the_plot_puts_better_to_the_right_and_up():
    def summary(row: Row, psnr: float, niqe: float) -> Summary:
        return Summary("light", row, 1, {"psnr": psnr, "niqe": niqe}, {}, {})

    rows = [summary(Row("v2", 0.0), 22, 4), summary(Row("v2", 1.0), 25, 6), summary(INPUT_ROW, 20, 12)]
    axes = Column("psnr", "PSNR", True), Column("niqe", "NIQE")
    root = ElementTree.fromstring(draw_tradeoff(rows, *axes))
    lines = {g.get("id"): g for g in root.iter("{http://www.w3.org/2000/svg}g")}
    (x0, y0), (x1, y1) = _marks(lines["model v2"])
    ((x_input, y_input),) = _marks(lines[f"model {INPUT_ROW.contestant}"])
    assert x_input < x0 < x1 and y0 < y1 < y_input
    assert draw_tradeoff(rows[1:], *axes) is None  # nothing to trade off at a single fidelity


def _marks(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(use.get("x", 0)), float(use.get("y", 0))) for use in line.iter("{http://www.w3.org/2000/svg}use")]
