"""Lines of models: a name with numbered versions."""

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.access import holder
from apps.models.models import ModelLine, TrainedModel


class NameTaken(ValueError):
    """Its person or team has another line of that name; the message is for the person who asked."""


def next_version(owner, name, team_id=None):
    """(line, number) for one more model of this person, or team, under this name; inside a transaction."""
    whose = holder(ModelLine(owner=owner, team_id=team_id))
    line, _ = ModelLine.objects.get_or_create(**whose, name=name, defaults={"owner": owner})
    ModelLine.objects.filter(pk=line.pk).update(versions_made=F("versions_made") + 1)
    line.refresh_from_db()
    return line, line.versions_made


def rename_line(line, name):
    """Give all versions of a line another name; raises NameTaken."""
    if name == line.name:
        return
    try:
        with transaction.atomic():
            ModelLine.objects.filter(pk=line.pk).update(name=name)
    except IntegrityError:
        raise NameTaken(
            f"{'The team has' if line.team_id else 'You have'} another model “{name}”. "
            "Versions stay where they are; choose a name that is free."
        ) from None
    line.name = name


def drop_empty_line(line):
    """A line without any version goes."""
    if not TrainedModel.objects.filter(line=line).exists():
        ModelLine.objects.filter(pk=line.pk, versions=None).delete()
