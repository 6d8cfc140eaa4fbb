"""Text files that people wrote: whatever their editor made of line ends and encodings."""

from __future__ import annotations

import codecs
from pathlib import Path

from benchsuite.errors import UserError


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a mark, lines ended by `\\n`.

    Raises UserError for a file that is not there or not in these encodings.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8: byte {error.start} is {raw[error.start]:#04x}. Save it "
            "as UTF-8."
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
