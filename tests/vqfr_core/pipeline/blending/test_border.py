import torch

from vqfr_core.pipeline.blending.border import border_window, smooth_step


def test_the_rim_is_zero_and_a_short_ramp_leads_to_one():
    row = border_window(512)[256]
    assert row[:8].max() == 0 and row[-8:].max() == 0  # the outermost 8 px
    assert 0 < row[8] < 0.02 and row[23:-23].min() == 1  # 16 px further in
    assert bool((row[:30].diff() >= 0).all()) and torch.equal(row, row.flip(0))


def test_it_is_relative_to_the_size_and_can_begin_further_in():
    row = border_window(128)[64]
    assert row[:2].max() == 0 and row[2] > 0 and row[5:-5].min() == 1
    inset = border_window(128, 10)[64]
    assert torch.equal(inset[10:64], row[:54]) and inset[:10].max() == 0


def test_sides_meet_in_the_corners_without_a_spike():
    window = border_window(128)
    assert torch.equal(window, window.T) and window[3, 60] == window[3, 3] < window[4, 60]


def test_a_smooth_step_is_flat_at_both_ends():
    assert smooth_step(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 0.5, 1, 1]
    assert float(smooth_step(torch.tensor(0.01))) < 0.001
