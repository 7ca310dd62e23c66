"""Reading files apart: in a child process, since a damaged file can crash or hang the library that reads it.

libhdf5 follows the addresses in a file without checking all of them. A file damaged in its middle can end the process,
or keep it busy for ever; so can a pickle that is nested a million times. `call` runs a function in a child process that
is started once, imports little, and is started again after a crash. A crash or a time limit is an `InputError`.
"""

from sequoia_base.apart import h5ad
from sequoia_base.apart.hdf5 import HDF5, contents
from sequoia_base.apart.parent import begin, call, end

__all__ = ["HDF5", "begin", "call", "contents", "end", "h5ad"]
