"""Which implementation of `Storage` an address names."""

from pathlib import Path

from trainables.storage.base import Storage, is_remote


def open_storage(url: str) -> Storage:
    """The storage at a path or an address such as s3://bucket/prefix; raises ValueError for no such address."""
    if is_remote(url):
        from trainables.storage.object_storage import ObjectStorage

        return ObjectStorage(url)
    from trainables.storage.local_storage import LocalStorage

    return LocalStorage(Path(url))
