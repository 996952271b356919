"""A background made by an upscaler."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...errors import OutOfMemoryError, RestorationError, is_out_of_memory
from ...luma import luma
from ...networks.devices import free_memory
from ...networks.upscalers import Upscaler
from ..restoring.restore import Progress, ShouldStop
from .layout import shortest
from .reach import measure_reach
from .tiles import enlarge_in_tiles


@dataclass(frozen=True, eq=False)
class Enlarger:
    """Enlarges pictures by an upscaler to any size; give it to `restore` as background."""

    upscaler: Upscaler
    """The network."""
    progress: Progress | None = None
    """Called with (tiles done, tiles in all) of a picture."""
    kept: dict[tuple[int, int], Tensor] | None = None
    """The latest result, by size, if it is to be kept. Another picture needs another one."""

    def __call__(self, image: Tensor, size: tuple[int, int], should_stop: ShouldStop | None = None) -> Tensor:
        """The picture at another size: float32 (3, height, width) in [0, 1]; grey if the picture is.

        What the network enlarges too far is reduced by Lanczos, and what it leaves is enlarged by it. Tiles are halved
        when memory runs out.

        Args:
            image: (3, H, W), RGB in [0, 1].
            size: (height, width).
            should_stop: checked before each tile; True raises `Cancelled`.

        Raises:
            Cancelled: `should_stop` said so.
            OutOfMemoryError: not even a small tile fits.
            RestorationError: the network failed.
        """
        if self.kept is None or size not in self.kept:
            result = self._enlarge(image.detach().float().clamp(0, 1), size, should_stop).to(image.device)
            if self.kept is None:
                return result
            self.kept.clear()
            self.kept[size] = result
        return self.kept[size]

    def describe(self) -> dict[str, Any]:
        """Which network and which weights, for reports."""
        return self.upscaler.describe()

    def notes(self, scale: float) -> list[str]:
        """Notes for users whose result has this scale."""
        own, name = self.upscaler.scale, self.upscaler.name
        fit = None
        if own > scale:
            fit = f"{name} enlarges {own} times; the background was reduced to the output scale {scale:g}"
        elif 1 < own < scale:
            fit = f"{name} enlarges {own} times; the rest of the output scale {scale:g} was done by Lanczos"
        return [note for note in (fit, self.upscaler.precision_note()) if note is not None]

    def _enlarge(self, image: Tensor, size: tuple[int, int], should_stop: ShouldStop | None) -> Tensor:
        is_grey = bool((image == image[:1]).all())
        while True:
            try:
                result = self._in_tiles(image, size, should_stop)
                return result.copy_(luma(result).expand_as(result)) if is_grey else result
            except RuntimeError as error:
                self._raise_unless_less_may_do(error)
            # Only here, with the error gone, nothing holds the memory of the failed attempt.
            free_memory(self.upscaler.device)
            self.upscaler.tile_px //= 2

    def _in_tiles(self, image: Tensor, size: tuple[int, int], should_stop: ShouldStop | None) -> Tensor:
        upscaler = self.upscaler
        if max(image.shape[1:]) > upscaler.tile_px and upscaler.reach_px is None:
            upscaler.reach_px = measure_reach(upscaler)
        return enlarge_in_tiles(
            image,
            upscaler,
            size,
            tile_px=upscaler.tile_px,
            hidden_px=upscaler.reach_px or 0,
            progress=self.progress,
            should_stop=should_stop,
        )

    def _raise_unless_less_may_do(self, error: RuntimeError) -> None:
        upscaler = self.upscaler
        if not is_out_of_memory(error):
            raise RestorationError(f"{upscaler.full_name} failed on the background: {error}") from error
        if upscaler.tile_px // 2 < shortest(upscaler.reach_px or 0):
            raise OutOfMemoryError(
                f"not enough memory on {upscaler.device} for even {upscaler.tile_px} px of the background. Close other "
                "programs or unload other models, choose fp16 or bf16 precision, or use the CPU (device cpu)."
            ) from error
