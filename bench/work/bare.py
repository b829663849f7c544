"""An interpreter that does nothing: what start.py is compared with."""
