"""Every write to labels, revisions and versions."""
