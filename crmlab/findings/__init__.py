"""What a notebook hands on: named numbers, answers, figures, tables, models and action lists."""

from crmlab.findings.collect import Findings
from crmlab.findings.models import read_model
from crmlab.findings.privacy import SMALLEST_GROUP
from crmlab.findings.reading import Run, open_run, read_run

__all__ = ["SMALLEST_GROUP", "Findings", "Run", "open_run", "read_model", "read_run"]
