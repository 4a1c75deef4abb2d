"""Queries that are asked thousands of times a minute: their SQL is made once, and each call only runs it.

Most of what a small query costs is Django's work on the queryset, several times what the database needs for it. The
answer is read from the database each time: nothing here is remembered but the text of the question.
"""

from django.db import connections
from django.db.models.query import get_related_populators

FIRST_PLACE = 2**61  # no row has such an id


class Prepared:
    """The rows of `build(*values)`, a queryset of model instances; select_related, only and slices are kept.

    `kinds` says of each value whether it is an int or a str. `build` is called once, with values that stand for the
    places: it may not look at what they are.
    """

    def __init__(self, build, *kinds):
        self.build, self.kinds = build, kinds
        self._plan = None

    def rows(self, *values):
        """The instances, as `list(build(*values))` gives them."""
        plan = self._plan = self._plan or Plan(self.build, self.kinds)
        return plan.run(values)

    def first(self, *values):
        """The first of them, or None."""
        rows = self.rows(*values)
        return rows[0] if rows else None


class Plan:
    """What the compiler has found out about one queryset."""

    def __init__(self, build, kinds):
        places = [kind(FIRST_PLACE + number) for number, kind in enumerate(kinds)]
        queryset = build(*places)
        self.db = queryset.db
        compiler = queryset.query.get_compiler(self.db)
        self.sql, params = compiler.as_sql()
        self.params = [(True, places.index(one)) if one in places else (False, one) for one in params]
        missing = [number for number in range(len(places)) if (True, number) not in self.params]
        if missing:
            raise ValueError(f"The query does not hold its values {missing}.")
        info, select = compiler.klass_info, compiler.select
        self.converters = compiler.get_converters([column for column, _, _ in select])
        fields = info["select_fields"]
        self.model, self.columns = info["model"], slice(fields[0], fields[-1] + 1)
        self.names = [select[place][0].target.attname for place in fields]
        self.populators = get_related_populators(info, select, self.db)

    def run(self, values):
        params = [values[one] if is_place else one for is_place, one in self.params]
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        return [self._instance(list(row), connection) for row in rows]

    def _instance(self, row, connection):
        for place, (converters, expression) in self.converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        one = self.model.from_db(self.db, self.names, row[self.columns])
        for populator in self.populators:
            populator.populate(row, one)
        return one
