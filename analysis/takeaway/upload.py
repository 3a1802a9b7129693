"""The upload of a model's folder to the hub, by the hub's own client and the token that it finds."""

from pathlib import Path

from spaces.errors import UsageError, first_line_of


class UploadError(Exception):
    """The hub did not take the folder; the message says why, in one line."""


def check_upload(repository: str) -> None:
    """Raise UsageError unless `repository` is an id that the hub allows and there is a token to upload with."""
    from huggingface_hub import get_token  # slow to import, and only an upload needs it
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # exported lazily

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UsageError(f"--push {repository}: {first_line_of(error).rstrip('.')}.") from error
    if get_token() is None:
        raise UsageError("--push needs a token that may write: set HF_TOKEN, or log in once with `hf auth login`.")


def upload_folder(folder: Path, repository: str) -> str:
    """Upload a folder into a repository of models, which is made private if it is new; return the address.

    Raise UploadError if the hub refuses it or cannot be reached.
    """
    import httpx2  # what the hub's client sends its requests with
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    try:
        url = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(repo_id=url.repo_id, folder_path=folder, commit_message="Add the winner of a search")
    except HfHubHTTPError as error:
        status, words = error.response.status_code, error.response.headers.get("X-Error-Message", "")
        said = f"the hub answers {status}" + (f" ({words.rstrip('.')})" if words else "")
        raise UploadError(f"{said}. Check the name, and that the token may write there.") from error
    except (httpx2.HTTPError, OSError, RuntimeError, ValueError) as error:  # of the client, which wraps some of them
        raise UploadError(f"{first_line_of(error).rstrip('.')}. Check the network, then upload the folder.") from error
    return str(url)
