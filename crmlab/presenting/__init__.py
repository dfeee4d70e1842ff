"""One deck in three forms, made from the findings of a run: HTML, PowerPoint, PDF."""

from crmlab.presenting.present import Presented, present

__all__ = ["Presented", "present"]
