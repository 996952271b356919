import pytest
from torch import Tensor

from stand_ins.upscalers import SmallUpscaler
from vqfr_core.pipeline.enlarging.reach import MOST_PX, measure_reach


class Brightening(SmallUpscaler):
    """Looks at the brightness of all it is given."""

    def run(self, image: Tensor) -> Tensor:
        return super().run(image) + image.mean()


@pytest.mark.parametrize("scale", [1, 2])
def test_two_convolutions_look_four_pixels_far(scale):
    assert measure_reach(SmallUpscaler(scale)) == 8


def test_a_network_that_looks_at_everything_has_the_most():
    assert measure_reach(Brightening()) == MOST_PX
