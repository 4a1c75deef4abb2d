"""What `pages.py` asks for: (name, address) with places for a dataset, an image of it and ids of sixty."""

GALLERY = "/datasets/{d}/tiles?size=120&from="
PAGES = [
    ("dataset list", "/datasets/"),
    ("dataset list, search", "/datasets/?search=big"),
    ("gallery", "/datasets/{d}/"),
    ("gallery, the last page", "/datasets/{d}/?at=99900"),
    *(("gallery window at " + f"{place:,}", f"{GALLERY}{place}") for place in (0, 50_000, 99_900)),
    *(
        (f"gallery window, {words}", f"{GALLERY}0&count=1&{query}")
        for words, query in (
            ("split", "split=val"),
            ("no split", "split=none"),
            ("labelled", "labeled=true"),
            ("not labelled", "labeled=false"),
            ("state", "state=reviewed"),
            ("a frequent class", "class_id=0"),
            ("a rare class", "class_id=60"),
            ("boxes at least 20", "boxes_min=20"),
            ("boxes at most 5", "boxes_max=5"),
            ("size at least 1,000 px", "size_min=1000"),
            ("source", "source=drive.zip"),
            ("tag", "tag=night"),
            ("group", "group=camera-050"),
            ("name", "search=frame-0999"),
            ("model disagrees", "disagreement=true"),
            ("no model disagrees", "disagreement=false"),
            ("class and split", "class_id=0&split=val"),
            ("similar", "similar={image}"),
        )
    ),
    *(
        (f"gallery window at 50,000, {sort}", f"{GALLERY}50000&sort={sort}")
        for sort in ("newest", "name", "most_boxes", "fewest_boxes", "largest", "smallest")
    ),
    ("gallery, boxes of 60 images", "/datasets/{d}/gallery-boxes?ids={ids}"),
    ("gallery, choices of the filter", "/datasets/{d}/filter-choices"),
    ("statistics", "/datasets/{d}/statistics"),
    ("statistics API", "/api/v1/datasets/{d}/statistics"),
    ("map of a class, API", "/api/v1/datasets/{d}/statistics/positions?class_id=3"),
    ("who labelled (fragment)", "/datasets/{d}/labelling-progress"),
    ("classes", "/datasets/{d}/classes"),
    ("trash", "/datasets/{d}/trash"),
    ("health", "/datasets/{d}/health"),
    ("duplicates", "/datasets/{d}/health/duplicates"),
    ("leaks", "/datasets/{d}/health/leaks"),
    ("splits", "/datasets/{d}/splits"),
    ("versions", "/datasets/{d}/versions"),
    ("import and export", "/datasets/{d}/transfer"),
    ("settings", "/datasets/{d}/settings"),
    ("images API, by cursor", "/api/v1/datasets/{d}/images?cursor=&page_size=100"),
]
