import pytest
from PIL import Image

from vqfr_core.cli import main


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_column_for_the_input_and_each_fidelity(face_file, tiny_v2, tmp_path, is_whole):
    out = tmp_path / "sweep.png"
    words = ["sweep", str(face_file), "-o", str(out), "--fidelities", "0,0" if is_whole else "0,1", "--model", tiny_v2]
    assert main([*words, "--whole"] if is_whole else words) == 0
    with Image.open(out) as grid:
        cell = (192, 160) if is_whole else (512, 512)
        assert 3 * cell[0] < grid.width < 3.2 * cell[0]
        assert cell[1] < grid.height < 1.4 * cell[1]


def test_v1_has_a_column_for_each_fidelity_too(face_file, tiny_v1, tmp_path):
    out = tmp_path / "sweep.png"
    assert main(["sweep", str(face_file), "-o", str(out), "--fidelities", "0,0.5", "--model", tiny_v1]) == 0
    with Image.open(out) as grid:
        assert grid.width > 3 * 512


def test_without_a_face_there_is_nothing_to_compare(make_blank, tiny_v2, tmp_path, capsys):
    assert main(["sweep", str(make_blank("a.png")), "-o", str(tmp_path / "out.png"), "--model", tiny_v2]) == 1
    assert "no face found" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
