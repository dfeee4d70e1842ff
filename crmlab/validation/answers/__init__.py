"""The true values of the numbers that notebooks hand on: one module a notebook, see `crmlab.validation.registry`."""
