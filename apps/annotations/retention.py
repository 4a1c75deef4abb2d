"""How many revisions of an image are kept."""

from apps.annotations.services.progress import old_revisions, prune_old_revisions
from apps.core.retention import Going, Rule


def revisions_due(now):
    return Going(old_revisions().count())


RULES = [Rule("Old revisions", "REVISIONS_KEPT", revisions_due, prune_old_revisions, "six hours")]
