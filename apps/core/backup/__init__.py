"""Backups of the whole platform: all rows and stored files, to a folder or to S3, and back into an empty platform.

A backup place holds objects named by the SHA-256 of what is in them, and one small manifest for each backup, which is
written last: what has a manifest is complete. Rows lie there as JSON lines that know no database, so that a backup of
SQLite goes into PostgreSQL and the other way round.
"""


class BackupError(Exception):
    """Why a backup cannot be made, trusted or restored, in words for the operator."""
