"""The typed configuration of a stack. `load()` reads it; everything else is plain frozen data."""

from settings.errors import SettingsError
from settings.load import load, parse, secret_values
from settings.stack import Settings

__all__ = ["Settings", "SettingsError", "load", "parse", "secret_values"]
