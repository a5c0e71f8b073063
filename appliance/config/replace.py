"""Replace the conf file's text: whole or not at all, with the owner and the mode of the old file."""

from __future__ import annotations

import stat

from appliance.config.conf_file import ConfFile
from appliance.core.errors import HostError, UserError
from appliance.host.disk import fresh_file, sync_directory


def replace_file(source: ConfFile, text: str) -> None:
    """Write `text` over the file that `source` was read from; power may fail at any moment.

    Raises:
        UserError: The file is no longer the one that was read. It is left as it is.
        HostError: The file cannot be written. The old one is untouched then.
    """
    old = source.status
    content = text.encode("utf-8", "surrogateescape")
    try:
        with fresh_file(source.path, content, stat.S_IMODE(old.st_mode), (old.st_uid, old.st_gid)) as fresh:
            _refuse_if_changed(source)
            fresh.replace(source.path)
        sync_directory(source.path.parent)
    except OSError as problem:
        raise HostError(
            f"The conf file {source.path} could not be written: {problem.strerror}.", todo="It is as it was."
        ) from problem


def _refuse_if_changed(source: ConfFile) -> None:
    now, then = source.path.stat(), source.status
    if (now.st_ino, now.st_mtime_ns, now.st_size) != (then.st_ino, then.st_mtime_ns, then.st_size):
        raise UserError(
            f"{source.path} was changed by somebody else in the same moment; nothing was written.",
            todo="Try again.",
        )
