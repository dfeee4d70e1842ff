"""What a notebook hands on: named numbers, answers, figures, tables, models and action lists."""

from crmlab.findings.collect import Findings
from crmlab.findings.models import read_model
from crmlab.findings.privacy import SMALLEST_GROUP

__all__ = ["SMALLEST_GROUP", "Findings", "read_model"]
