"""Points spread evenly over a cube of many dimensions: the sequence of Sobol' 1967, USSR Comput.
Math. Math. Phys. 7, 86, in the order of the Gray code (Antonov & Saleev 1979, ibid. 19, 252).

scipy.stats has them too, and takes a second of each start to load.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BITS = 30  # of a coordinate
# Of each dimension but the first: a primitive polynomial, its coefficients as bits, and the first
# direction numbers. Joe & Kuo 2008, SIAM J. Sci. Comput. 30, 2635: new-joe-kuo-6.
DIRECTIONS = (
    (3, (1,)), (7, (1, 3)), (11, (1, 3, 1)), (13, (1, 1, 1)), (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)), (37, (1, 1, 5, 5, 17)), (41, (1, 1, 5, 5, 5)), (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)), (59, (1, 1, 1, 3, 11)), (61, (1, 3, 5, 5, 31)),
    (67, (1, 3, 3, 9, 7, 49)), (91, (1, 1, 1, 15, 21, 21)), (97, (1, 3, 1, 13, 27, 49)),
    (103, (1, 1, 1, 15, 7, 5)), (109, (1, 3, 1, 15, 13, 25)), (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)), (137, (1, 3, 7, 13, 13, 15, 69)),
    (143, (1, 1, 3, 13, 7, 35, 63)), (145, (1, 3, 5, 9, 1, 25, 53)),
    (157, (1, 3, 1, 13, 9, 35, 107)),
)  # fmt: skip
DIMENSIONS = 1 + len(DIRECTIONS)


@lru_cache(maxsize=4)
def sobol_points(count: int) -> NDArray[np.uint32]:
    """Return the first `count` points (point, dimension) in parts of 2^-BITS.

    They are even where `count` is a power of 2. The array is shared: it cannot be written.
    """
    number = np.arange(count, dtype=np.uint32)
    gray = number ^ (number >> 1)
    points = np.zeros((count, DIMENSIONS), dtype=np.uint32)
    for bit, directions in enumerate(_directions()[: max(count - 1, 0).bit_length()]):
        points[(gray >> bit) & 1 == 1] ^= directions
    points.flags.writeable = False
    return points


def _directions() -> NDArray[np.uint32]:
    """Return the direction numbers (bit, dimension). Source: Joe & Kuo 2008, eq. 2 and 3."""
    numbers = [[1] * BITS]
    for polynomial, first in DIRECTIONS:
        degree, own = polynomial.bit_length() - 1, list(first)
        for k in range(degree, BITS):
            value = own[k - degree] ^ own[k - degree] << degree
            for j in range(1, degree):
                if polynomial >> (degree - j) & 1:
                    value ^= own[k - j] << j
            own.append(value)
        numbers.append(own)
    return (
        np.array(numbers, dtype=np.uint32).T
        << np.arange(BITS - 1, -1, -1, dtype=np.uint32)[:, None]
    )
