"""A folder on this machine, read like an archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from .base import Archive, Limits, Skipped, shown


class FolderArchive(Archive):
    """Links to files inside the folder are followed; those that lead out of it are skipped, and so are
    links to folders."""

    def __init__(self, root: Path, limits: Limits):
        super().__init__(limits)
        self._root = root.resolve()
        for folder, folders, files in os.walk(self._root):
            folders.sort()
            for name in sorted(files):
                self._take(Path(folder, name))
            for name in folders:
                if Path(folder, name).is_symlink():
                    self._skip(Path(folder, name), "a link to a folder is not followed")

    def open_raw(self, handle: Path) -> BinaryIO:
        return handle.open("rb")

    def _take(self, path: Path) -> None:
        target = path.resolve()
        if not target.is_relative_to(self._root):
            self._skip(path, "a link that leads out of the folder")
        elif not target.is_file():
            self._skip(path, "not a plain file")
        else:
            # A backslash is an ordinary character here, and would become a folder.
            name = path.relative_to(self._root).as_posix().replace("\\", "_")
            self.add(name, target.stat().st_size, target)

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped.append(Skipped(shown(path.relative_to(self._root).as_posix()), reason))
