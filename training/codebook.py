"""Learn the codebook: k-means start, moving averages, replacement of unused codes (van den Oord et al., 2017).

All of this is kept out of the network, which only has the finished table.
"""

import torch
from torch import Tensor

from vqfr_core.networks.vqfr.v1 import nearest_code

from .distributed import copy_from_first, sum_over_processes


class CodebookTrainer:
    """Keeps the moving averages whose quotient is the table `embedding` (K, D), updated in place."""

    def __init__(self, embedding: Tensor, decay: float = 0.99, reservoir_size: int = 8192) -> None:
        self.embedding = embedding
        self.decay = decay
        self.reservoir_size = reservoir_size
        self.counts = torch.zeros(embedding.shape[0], device=embedding.device)
        self.sums = torch.zeros_like(embedding)
        self.used = torch.zeros(embedding.shape[0], device=embedding.device)
        self.reservoir = embedding.new_zeros(0, embedding.shape[1])
        self.started = False
        self.num_updates = 0
        """Steps since the start, or since unused codes were last replaced: as long as their use has been counted."""
        self.num_replaced = 0
        """How many codes the last `replace_unused` found unused."""

    def remember(self, tokens: Tensor) -> None:
        """Keep recent features (N, D): material for the start and for replacing unused codes."""
        self.reservoir = torch.cat([self.reservoir, tokens.detach().float()])[-self.reservoir_size :]

    def start(self, generator: torch.Generator, rounds: int = 8) -> None:
        """Initialise the table with k-means on the remembered features."""
        with torch.no_grad():
            self.embedding.copy_(kmeans(self.reservoir, self.embedding.shape[0], rounds, generator))
        copy_from_first(self.embedding)
        self.go_on()

    def go_on(self) -> None:
        """Continue with a finished table."""
        self.counts.fill_(1.0)
        self.sums.copy_(self.embedding)
        self.used.zero_()
        self.num_updates = 0
        self.started = True

    @torch.no_grad()
    def update(self, tokens: Tensor, codes: Tensor) -> None:
        """One moving-average step with features (N, D) and the codes (N) chosen for them."""
        tokens = tokens.detach().float()
        counts = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(codes, dtype=torch.float32))
        sums = torch.zeros_like(self.sums).index_add_(0, codes, tokens)
        sum_over_processes(counts, sums)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self.used += counts
        self.num_updates += 1
        # A code without recent use stays unchanged: its quotient would be noise.
        alive = (self.counts > 1e-3)[:, None]
        self.embedding.copy_(torch.where(alive, self.sums / self.counts.clamp(min=1e-3)[:, None], self.embedding))

    @torch.no_grad()
    def replace_unused(self, generator: torch.Generator) -> int:
        """Set codes unused since the last call to random recent features; returns how many there were."""
        unused = (self.used == 0).nonzero().flatten()
        if len(unused) and len(self.reservoir):
            picks = torch.randint(len(self.reservoir), (len(unused),), generator=generator)
            self.embedding[unused] = self.reservoir[picks.to(self.reservoir.device)]
            self.counts[unused] = 1.0
            self.sums[unused] = self.embedding[unused]
        copy_from_first(self.embedding, self.counts, self.sums)
        self.used.zero_()
        self.num_updates = 0
        self.num_replaced = len(unused)
        return self.num_replaced

    def state_dict(self) -> dict[str, Tensor | int]:
        """Everything but the table, which is in the network's own state."""
        return {
            "counts": self.counts,
            "sums": self.sums,
            "used": self.used,
            "reservoir": self.reservoir,
            "started": self.started,
            "num_updates": self.num_updates,
        }

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        for name in ("counts", "sums", "used", "reservoir"):
            value = state[name]
            assert isinstance(value, Tensor)
            setattr(self, name, value.to(self.embedding.device).clone())
        self.started = bool(state["started"])
        self.num_updates = int(state.get("num_updates", 0))


def kmeans(points: Tensor, num_centers: int, rounds: int, generator: torch.Generator) -> Tensor:
    """Centres (K, D) of points (N, D); with fewer points than centres some repeat, with a little noise."""
    points = points.float()
    order = torch.randperm(len(points), generator=generator).repeat(-(-num_centers // len(points)))[:num_centers]
    centers = points[order.to(points.device)].clone()
    if len(points) < num_centers:
        noise = torch.randn(centers.shape, generator=generator).to(centers.device)
        centers += 0.01 * points.std() * noise
    for _ in range(rounds):
        nearest = nearest_code(points[None], centers)[0]
        counts = torch.bincount(nearest, minlength=num_centers).float()
        sums = torch.zeros_like(centers).index_add_(0, nearest, points)
        centers = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centers)
    return centers
