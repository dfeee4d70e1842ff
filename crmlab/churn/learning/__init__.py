"""What is learned about leaving: a learner and its rivals, how they are judged, reasons, and when.

The room reads plain frames; it knows no bank.
"""
