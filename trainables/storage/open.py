"""Opening of a storage by its address.

This is a module of its own for two reasons: both implementations import `base`, so that it cannot open them; and each
is imported only if it is used, so that a run on local results never loads `pyarrow.fs`.
"""

from pathlib import Path

from trainables.storage.base import Storage, is_remote


def open_storage(url: str) -> Storage:
    """Return the storage at an address.

    Args:
        url: the path of a folder, which need not exist yet, or an address of object storage, such as s3://bucket/prefix

    Returns:
        A LocalStorage for a path, an ObjectStorage for any other address.

    Raises:
        ValueError: the address names no bucket, or a kind of storage that `pyarrow.fs` does not know.
    """
    if is_remote(url):
        from trainables.storage.object_storage import ObjectStorage

        return ObjectStorage(url)
    from trainables.storage.local_storage import LocalStorage

    return LocalStorage(Path(url))
