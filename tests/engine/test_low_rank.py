import pytest
import torch

from engine.low_rank import merged


@pytest.mark.parametrize("rows", [1, 64, 150])
def test_it_is_the_product_added(rows: int) -> None:
    torch.manual_seed(0)
    weight, down, up = torch.randn(rows, 24), torch.randn(4, 24), torch.randn(rows, 4)
    before = weight.clone()
    torch.testing.assert_close(merged(weight, (down, up)), weight + up @ down)
    assert torch.equal(weight, before), "the weight itself is left alone"


def test_each_element_is_rounded_on_its_own_so_that_neighbours_do_not_matter() -> None:
    torch.manual_seed(0)
    weight, down, up = torch.randn(130, 24), torch.randn(8, 24), torch.randn(130, 8)
    alone = torch.cat([merged(weight[row : row + 1], (down, up[row : row + 1])) for row in range(130)])
    assert torch.equal(merged(weight, (down, up)), alone)
