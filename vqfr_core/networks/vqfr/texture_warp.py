"""Texture warping: brings the decoded texture onto the input face (VQFR, section 3.3)."""

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, cat, nn

from .blocks import ResidualBlock, conv3x3, group_norm, resize_bilinear
from .config import Config, level_names
from .deform import ModulatedDeformConv


class TextureWarp(nn.Module):
    """One level: offsets from texture, condition and the coarser level's offsets; then deformable sampling.

    With `condition_conv` the resized condition passes through its own convolution (v1, below full resolution).
    """

    def __init__(
        self, channels: int, condition_channels: int, previous_channels: int, groups: int, condition_conv: bool = False
    ) -> None:
        super().__init__()
        self.downsample: nn.Module | None = None
        if condition_conv:
            self.downsample = nn.Sequential(OrderedDict(conv=conv3x3(condition_channels, condition_channels)))
        self.offset_conv1 = nn.Sequential(
            nn.Conv2d(condition_channels + channels, channels, 1),
            group_norm(channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            group_norm(channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(channels, channels, 1),
        )
        self.offset_conv2 = nn.Sequential(
            conv3x3(channels + previous_channels, channels), group_norm(channels), nn.SiLU(inplace=True)
        )
        self.dcn = ModulatedDeformConv(channels, groups)

    def forward(self, texture: Tensor, condition: Tensor, previous: Tensor | None) -> tuple[Tensor, Tensor]:
        """Warp one level.

        Args:
            texture: (B, C, H, W), the texture feature.
            condition: (B, K, H * f, W * f), the input's feature at full resolution.
            previous: (B, P, H / 2, W / 2), offset feature of the coarser level, or None at the coarsest.

        Returns:
            The warped texture (B, C, H, W) and this level's offset feature (B, C, H, W).
        """
        condition = resize_bilinear(condition, texture.shape[-1] / condition.shape[-1])
        if self.downsample is not None:
            condition = self.downsample(condition)
        feature = self.offset_conv1(cat([condition, texture], dim=1))
        if previous is not None:
            # Offsets are in pixels: twice the resolution, twice the distance.
            feature = cat([feature, resize_bilinear(previous, 2).mul_(2)], dim=1)
        feature = self.offset_conv2(feature)
        return self.dcn(texture, feature), feature


class WarpingDecoder(nn.Module):
    """All levels: the warped texture of each is combined with the upsampled coarser one.

    `upsample(in_channels, out_channels)` makes the enlarging layer of a generation; for the other two arguments see
    `ResidualBlock` and `TextureWarp`.
    """

    def __init__(
        self, config: Config, upsample: Callable[[int, int], nn.Module], shortcut_name: str, condition_conv: bool
    ) -> None:
        super().__init__()
        channels, names = config.channels, level_names(len(config.channels))
        deepest = len(names) - 1
        finer = list(reversed(range(deepest)))
        self.decoder_dict = nn.ModuleDict(
            {names[i]: ResidualBlock(2 * channels[i], channels[i], shortcut_name) for i in finer}
        )
        self.pre_upsample_dict = nn.ModuleDict({names[i]: upsample(channels[i + 1], channels[i]) for i in finer})
        self.align_func_dict = nn.ModuleDict(
            {
                names[i]: TextureWarp(
                    channels[i],
                    config.condition_channels,
                    channels[i + 1] if i < deepest else 0,
                    config.deform_groups,
                    condition_conv=condition_conv and i > 0,
                )
                for i in [deepest, *finer]
            }
        )

    def decode(self, textures: dict[str, Tensor], condition: Tensor) -> Tensor:
        """Texture features by level (emptied on the way), condition (B, K, H, W) -> (B, C1, H, W)."""
        main: Tensor | None = None
        offsets: Tensor | None = None
        for name, warp in self.align_func_dict.items():
            warped, offsets = warp(textures.pop(name), condition, offsets)
            if main is None:
                main = warped
            else:
                main = self.decoder_dict[name](cat([self.pre_upsample_dict[name](main), warped], dim=1))
        assert main is not None
        return main
