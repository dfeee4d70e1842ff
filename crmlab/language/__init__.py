"""Languages of what people read: catalogues in gettext's own format, and findings told by them.

A finding is worded once, in English, where it is computed. Every wording of the code stands in a catalogue with its
fields, so that a finding can be read back and told in another language; nothing is computed anew.
"""

from crmlab.language.catalogue import LANGUAGES, catalogue, day_text, later, say
from crmlab.language.interpreter import Interpreter

__all__ = ["LANGUAGES", "Interpreter", "catalogue", "day_text", "later", "say"]
