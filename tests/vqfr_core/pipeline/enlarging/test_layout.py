import pytest
import torch

from vqfr_core.pipeline.enlarging.layout import shortest, spans

LENGTHS = (1, 64, 321, 640, 1001)


@pytest.mark.parametrize("hidden", [1, 8, 48])
@pytest.mark.parametrize("scale", [1.0, 1.5, 4.0])
def test_the_weights_of_all_spans_add_up_to_one(hidden, scale):
    for longest in (shortest(hidden), 320):
        for length in LENGTHS:
            total = torch.zeros(round(length * scale))
            for span in spans(length, longest, hidden):
                low, high = round(span.first * scale), round(span.last * scale)
                total[low:high] += span.weights(low, high, scale)
            torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("hidden", [1, 8, 48])
def test_no_span_is_too_long_or_shows_what_is_wrong(hidden):
    for length in LENGTHS:
        found = spans(length, 320, hidden)
        assert (found[0].first, found[-1].last) == (0, length)
        assert all(span.start % 64 == 0 and span.stop - span.start <= 320 for span in found)
        assert all(span.first - span.start >= hidden for span in found[1:])
        assert all(span.stop - span.last >= hidden for span in found[:-1])


def test_a_short_line_is_one_span():
    assert len(spans(320, 320, 48)) == 1 and len(spans(321, 320, 48)) == 2
