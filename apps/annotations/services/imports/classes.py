"""Which class of a dataset a class of an archive is."""

from dataclasses import dataclass

from apps.core.work import WorkFailed
from apps.datasets import services as datasets

SAME, FORMER, NEW = "same", "former", "new"
MAX_KEY = 1_000_000  # a category id beyond it is no number that somebody counted to


@dataclass(frozen=True)
class Proposal:
    """`class_id` of the class here, or None and the `name` of a new one; `by` says why."""

    name: str
    class_id: int | None
    by: str


def propose_classes(dataset, names):
    """A Proposal for each class of an archive: the one of the same name, else of a former name, else a new one.

    A former name counts only where the archive does not know the class by its name of today: else it is another class.
    """
    names = [tidy(name) for name in names]
    today = {name.casefold(): place for place, name in enumerate(dataset.class_names)} if dataset else {}
    same = {today.get(name.casefold()) for name in names}
    former = datasets.former_names(dataset) if dataset else {}
    former = {name: place for name, place in former.items() if place not in same}
    return [_propose(name, today, former) for name in names]


def _propose(name, today, former):
    for known, by in ((today, SAME), (former, FORMER)):
        if name.casefold() in known:
            return Proposal(name, known[name.casefold()], by)
    return Proposal(name, None, NEW)


def tidy(name):
    """A name from an archive as a class can have it."""
    return " ".join(name.split())[: datasets.MAX_CLASS_NAME].strip()


class ClassMap:
    """The class keys of an archive's classes in a dataset; those that are new are made. Raises WorkFailed."""

    def __init__(self, dataset, reading, options, user):
        self.names = reading.class_names
        self.keys, self.by_former_name = [], {}
        if unknown := sorted(set(options.classes) - set(self.names)):
            known = ", ".join(f"“{name}”" for name in self.names[:20]) or "none"
            raise WorkFailed(f"The archive has no class “{unknown[0]}”. Its classes: {known}.")
        proposals = propose_classes(dataset, self.names)
        for place, (name, proposal) in enumerate(zip(self.names, proposals, strict=True)):
            wanted = options.classes.get(name, proposal)
            if wanted is proposal and proposal.class_id is not None:
                wanted = {"key": dataset.key_of(proposal.class_id)}
                if proposal.by == FORMER:
                    self.by_former_name[name] = dataset.class_names[proposal.class_id]
            elif wanted is proposal:
                wanted = {"new": proposal.name}
            self.keys.append(self._key(dataset, reading, place, wanted, user))

    def _key(self, dataset, reading, place, wanted, user):
        if wanted is None:
            return None
        if "key" in wanted:
            if dataset.place_of(wanted["key"]) is None:
                raise WorkFailed(f"The class that “{self.names[place]}” was to go to was deleted meanwhile.")
            return wanted["key"]
        return self._made(dataset, reading, place, wanted["new"], user)

    def _made(self, dataset, reading, place, name, user):
        """The new class; the one of this name where an earlier run, or another class of the archive, made it."""
        for known, key in zip(dataset.class_names, dataset.class_keys, strict=True):
            if known.casefold() == name.casefold():
                return key
        try:
            class_id = datasets.add_class(dataset, name, user, key=_number(reading, place))
            if color := reading.colors[place] if reading.colors else "":
                datasets.recolor_class(dataset, class_id, color, user)
        except datasets.BadClassName as bad:
            raise WorkFailed(f"The archive's class “{name}” cannot be taken: {bad}") from None
        return dataset.key_of(class_id)


def _number(reading, place):
    """The permanent number that the archive gives the class (COCO's category id less one), or None."""
    number = reading.category_ids[place] if reading.category_ids else None
    return number - 1 if number is not None and 1 <= number <= MAX_KEY else None
