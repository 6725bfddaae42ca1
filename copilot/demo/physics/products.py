"""The products of the lines and what the machines need to know about them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A format: weights in g, `share` of syrup in the blend, `layer` in cases.

    `tolerance` is the deviation of the mean fill weight that raises an alarm, in g.
    """

    name: str
    litres: float
    weight: float
    tolerance: float
    spread: float
    case: int
    layer: int
    share: float

    @property
    def cooled(self) -> float:
        """Share that passes the plate cooler; still water may stay warmer, drinks must not foam."""
        return 1.0 if self.share > 0.0 else 0.6


WATER = Product("1.5 l water", 1.5, 1502.0, 8.0, 1.6, 12, 12, 0.0)
COLA = Product("500 ml cola", 0.5, 521.0, 4.0, 1.3, 24, 10, 0.15)
LEMON = Product("0.33 l lemon soda", 0.33, 343.0, 3.0, 1.0, 24, 12, 0.15)

PRODUCTS = {product.name: product for product in (WATER, COLA, LEMON)}
