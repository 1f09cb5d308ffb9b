"""Nobody uploads anything: a file in a form is refused before a byte of it is kept."""

from typing import Any, NoReturn

from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler


class NoUploads(FileUploadHandler):
    """Django's upload handler for a site without uploads."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Answer 400."""
        raise BadRequest("There are no uploads here.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        """Never reached."""
        raise BadRequest("There are no uploads here.")

    def file_complete(self, file_size: int) -> None:
        """Never reached."""
