"""Regions and districts of the simulated country: six regions of unequal size, four districts each."""

from __future__ import annotations

import numpy as np

__all__ = ["DISTRICTS", "DISTRICT_SHARE", "district_rows"]

# Invented places. Sizes fall roughly like Zipf's law for cities, as in most countries (Gabaix 1999).
# region, (district, inhabitants, urban share, salary a month, unemployment), ...
_REGIONS = (
    ("Capital", (("Old Town", 412_000, 1.0, 3150), ("Riverside", 388_000, 1.0, 3020), ("Northgate", 297_000, 1.0, 2740),
                 ("Airport", 168_000, 0.93, 2890))),
    ("Harbour Coast", (("Port", 246_000, 1.0, 2690), ("Dunes", 131_000, 0.71, 2480), ("Lighthouse", 97_000, 0.64, 2420),
                       ("Islands", 41_000, 0.38, 2310))),
    ("Midlands", (("Weavers", 183_000, 0.88, 2510), ("Canal", 142_000, 0.77, 2460), ("Orchard", 88_000, 0.42, 2330),
                  ("Heath", 63_000, 0.31, 2280))),
    ("Lake District", (("Lakeshore", 104_000, 0.69, 2540), ("Vineyard", 72_000, 0.36, 2350),
                       ("Abbey", 54_000, 0.33, 2290), ("Ferry", 38_000, 0.29, 2260))),
    ("Iron Valley", (("Foundry", 121_000, 0.91, 2340), ("Colliery", 83_000, 0.84, 2210), ("Mill", 57_000, 0.55, 2190),
                     ("Quarry", 33_000, 0.27, 2150))),
    ("Highlands", (("Spa", 46_000, 0.52, 2270), ("Pass", 27_000, 0.24, 2200), ("Forest", 21_000, 0.12, 2140),
                   ("Summit", 12_000, 0.08, 2120))),
)  # fmt: skip
DISTRICTS = tuple((region, *district) for region, districts in _REGIONS for district in districts)
_INHABITANTS = np.array([district[2] for district in DISTRICTS], dtype=float)
DISTRICT_SHARE = _INHABITANTS / _INHABITANTS.sum()


def district_rows() -> dict[str, np.ndarray]:
    """Return the facts of every district, in the order of `DISTRICTS`; money in cents.

    >>> rows = district_rows()
    >>> len(rows["district"]), str(rows["branch"][0])
    (24, 'Old Town branch')
    """
    region, district, inhabitants, urban, salary = (np.array(column) for column in zip(*DISTRICTS, strict=True))
    unemployment = (0.105 - 0.00002 * (salary - 2000) - 0.03 * (salary - 2000) / 1000).round(4)
    return {
        "region": region,
        "district": district,
        "branch": np.array([f"{name} branch" for name in district]),
        "district_inhabitants_count": inhabitants.astype(np.int64),
        "district_urban_share": urban,
        "district_salary_amount": salary.astype(np.int64) * 100,
        "district_unemployment_share": unemployment,
        "district_entrepreneurs_share": (0.08 + 0.03 * urban).round(3),
        "district_crimes_count": np.rint(inhabitants * (0.02 + 0.03 * urban)).astype(np.int64),
    }
