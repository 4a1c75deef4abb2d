from celery import shared_task

from apps.annotations.services.classes import run_removal
from apps.annotations.services.comparisons import run_comparison
from apps.annotations.services.exports import run_export
from apps.annotations.services.imports import run_import
from apps.annotations.services.inspection import run_inspection
from apps.annotations.services.progress import prune_old_revisions
from apps.annotations.services.restores import run_restore
from apps.annotations.services.statistics import run_recount
from apps.annotations.services.validation import run_validation
from apps.annotations.services.versions import run_version
from apps.core.jobs import run_job


@shared_task(ignore_result=True)
def import_archive(pk):
    """Import an uploaded archive."""
    run_job(pk, run_import)


@shared_task(ignore_result=True)
def inspect_archive(pk):
    """Look into an uploaded archive."""
    run_job(pk, run_inspection)


@shared_task(ignore_result=True)
def export_archive(pk):
    """Export a dataset as an archive."""
    run_job(pk, run_export)


@shared_task(ignore_result=True)
def remove_class(pk):
    """Merge or delete a class of a large dataset."""
    run_job(pk, run_removal)


@shared_task(ignore_result=True)
def prune_revisions():
    """Delete revisions older than the setting keeps."""
    prune_old_revisions()


@shared_task(ignore_result=True)
def validate_dataset(pk):
    """Look for problems of a dataset."""
    run_job(pk, run_validation)


@shared_task(ignore_result=True)
def count_statistics(pk):
    """Count a dataset's statistics anew."""
    run_job(pk, run_recount)


@shared_task(ignore_result=True)
def snapshot_dataset(pk):
    """Make a version of a large dataset."""
    run_job(pk, run_version)


@shared_task(ignore_result=True)
def compare_versions(pk):
    """Work out what differs between two versions."""
    run_job(pk, run_comparison)


@shared_task(ignore_result=True)
def restore_version(pk):
    """Make a version the working state again."""
    run_job(pk, run_restore)
