"""`python -m crmlab` is the same as `crmlab`."""

from crmlab.cli import main

main()
