"""Evaluation data as they come: archives and headers written byte by byte, so that any of it can be wrong."""

import io
import struct
import zipfile

import numpy as np

MAGIC = b"\x93NUMPY"


def npy(array):
    """Return the `.npy` content of *array*."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_saying(descr="<f4", shape=(3, 2), fortran_order=False, *, text=None, data=b"\0" * 24, version=1, minor=0):
    """Return the `.npy` content whose header says so, or is *text*, before *data*."""
    text = text or f"{{'descr': {descr!r}, 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return MAGIC + bytes([version, minor]) + length + text.encode("latin1") + data


def write(path, members, compression=zipfile.ZIP_STORED):
    """Write an archive of *members*, pairs of a name and its content, with true checksums."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)


def patch(path, *changes):
    """Overwrite each *old* of the file by *new*, pairs of bytes of one length."""
    content = path.read_bytes()
    for old, new in changes:
        assert len(old) == len(new)
        assert old in content
        content = content.replace(old, new)
    path.write_bytes(content)
