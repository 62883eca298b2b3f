"""The version, one literal line, so that a clone without tags builds."""

__version__ = "0.1.0"
