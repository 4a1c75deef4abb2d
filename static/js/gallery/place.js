/** The gallery's address: filter, order and position, so that Back, a reload and a link lead to the same place. */

const NOT_FILTER = ["at", "page", "sort", "similar"];

/** The words of a form that say something, in its order, as URLSearchParams. */
export function queryOf(form) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value.trim()) query.delete(name);
  return query;
}

/** The list that an address names: everything in it but the position. */
export function listOf(search) {
  const query = new URLSearchParams(search);
  for (const name of ["at", "page"]) query.delete(name);
  for (const [name, value] of [...query]) if (!value.trim()) query.delete(name);
  return query;
}

/** Only what narrows the list, as the bulk calls take it. */
export function filterOf(query) {
  return Object.fromEntries([...query].filter(([name]) => !NOT_FILTER.includes(name)));
}

/** The position that an address names, from 0. */
export function positionOf(search) {
  const at = new URLSearchParams(search).get("at") ?? "";
  return /^\d{1,12}$/.test(at) ? Number(at) : 0;
}

export function addressOf(query, at = 0) {
  const all = new URLSearchParams(query);
  if (at) all.set("at", at);
  const words = all.toString();
  return words ? `?${words}` : location.pathname;
}

/** Writes the form's fields as the address has them; where it names a choice that the form does not have yet, adds it. */
export function showQuery(form, query) {
  for (const field of form.elements) {
    if (!field.name) continue;
    const value = query.get(field.name) ?? "";
    if (field instanceof HTMLSelectElement && value && ![...field.options].some((option) => option.value === value)) {
      field.add(new Option(value, value));
    }
    field.value = value;
  }
}

/** Says beside "More" how many of the filters in there are set: they are out of sight. */
export function showCount(form) {
  const fields = form.querySelectorAll("details [name]");
  const count = [...fields].filter((field) => field.value.trim()).length;
  form.querySelector("[data-more-count]").textContent = count ? ` (${count})` : "";
}
