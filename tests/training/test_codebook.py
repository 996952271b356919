import torch

from training.codebook import CodebookTrainer, kmeans


def test_moving_average_by_hand() -> None:
    table = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    book = CodebookTrainer(table, decay=0.5)
    book.counts.fill_(1.0)
    book.sums.copy_(table)
    book.update(torch.tensor([[2.0, 0.0], [4.0, 2.0], [10.0, 4.0]]), torch.tensor([0, 0, 1]))
    # counts (1 + 2) / 2 and (1 + 1) / 2; sums (0 + 6) / 2, (0 + 2) / 2 and (10 + 10) / 2, (0 + 4) / 2
    assert torch.allclose(book.counts, torch.tensor([1.5, 1.0]))
    assert torch.allclose(table, torch.tensor([[3 / 1.5, 1 / 1.5], [10.0, 2.0]]))


def test_unused_codes_become_recent_features() -> None:
    table = torch.zeros(3, 2)
    book = CodebookTrainer(table)
    book.remember(torch.full((5, 2), 7.0))
    book.update(torch.tensor([[1.0, 1.0]]), torch.tensor([1]))
    assert book.replace_unused(torch.Generator().manual_seed(0)) == 2
    assert torch.equal(table[0], torch.full((2,), 7.0)) and torch.equal(table[2], torch.full((2,), 7.0))
    assert not torch.equal(table[1], torch.full((2,), 7.0))


def test_kmeans_finds_separate_clusters() -> None:
    generator = torch.Generator().manual_seed(0)
    centers = torch.tensor([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    points = centers.repeat(30, 1) + torch.randn(90, 2, generator=generator)
    found = kmeans(points, 12, 10, generator)
    assert found.shape == (12, 2)
    assert torch.cdist(centers, found).min(1).values.max() < 2


def test_kmeans_with_fewer_points_than_centers() -> None:
    found = kmeans(torch.randn(4, 3), 10, 2, torch.Generator().manual_seed(0))
    assert found.shape == (10, 3) and bool(found.isfinite().all())


def test_state_goes_round() -> None:
    book = CodebookTrainer(torch.randn(4, 2))
    book.remember(torch.randn(6, 2))
    book.start(torch.Generator().manual_seed(0))
    book.update(torch.randn(6, 2), torch.tensor([0, 1, 1, 2, 3, 3]))
    other = CodebookTrainer(book.embedding.clone())
    other.load_state_dict(book.state_dict())
    assert other.started and torch.equal(other.sums, book.sums) and torch.equal(other.reservoir, book.reservoir)
