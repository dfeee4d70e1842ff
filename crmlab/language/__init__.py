"""Languages of what a manager reads around the findings: message catalogues in gettext's own format."""

from crmlab.language.catalogue import LANGUAGES, Catalogue, catalogue, later

__all__ = ["LANGUAGES", "Catalogue", "catalogue", "later"]
