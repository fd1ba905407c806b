"""How studies are planned and run."""

__version__ = "0.1.0"
