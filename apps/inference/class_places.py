"""The same classes in another order: what names classes by their ids, told to another model."""


def translated(options, names, other_names):
    """`options` with `classes` and `per_class` as the model with `other_names` counts them; what it lacks is left out.

    Classes are the same where their names are, in any case.
    """
    places = {name.casefold(): place for place, name in enumerate(other_names)}
    theirs = {place: places.get(name.casefold()) for place, name in enumerate(names)}
    options = dict(options)
    if options.get("classes") is not None:
        options["classes"] = [theirs[one] for one in options["classes"] if theirs.get(one) is not None]
    if options.get("per_class") is not None:
        known = {theirs.get(int(one)): conf for one, conf in options["per_class"].items()}
        options["per_class"] = {str(place): conf for place, conf in known.items() if place is not None}
    return options
