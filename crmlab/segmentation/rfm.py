"""Recency, frequency, monetary: scores, named cells and what they tell, in one place."""

from crmlab.segmentation.rfm_cells import ACTIONS, SHOWN, against, cells, grid, order_of
from crmlab.segmentation.rfm_readings import recent, rescored, silenced, top_cell
from crmlab.segmentation.rfm_scores import CELL_OF, CELLS, MEASURES, NEVER, RfmScores, cell_of, cell_words

__all__ = [
    "ACTIONS",
    "CELLS",
    "CELL_OF",
    "MEASURES",
    "NEVER",
    "SHOWN",
    "RfmScores",
    "against",
    "cell_of",
    "cell_words",
    "cells",
    "grid",
    "order_of",
    "recent",
    "rescored",
    "silenced",
    "top_cell",
]
