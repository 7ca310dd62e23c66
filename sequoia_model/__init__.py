"""Gene expression from H&E slides: tissue, tiles, features, the network and its predictions.

Needs the extra ``model`` (torch); `sequoia_stats` does not.
"""

from importlib.metadata import version

__version__ = version("sequoia-histology")
