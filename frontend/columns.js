/**
 * The columns of the table `candidates`, in the order in which they are shown.
 *
 * `attributes` are those of the form field that asks for the value; a column without any is not the user's to write.
 */
export const COLUMNS = [
  { name: "id", label: "ID", attributes: null },
  { name: "name", label: "Name", attributes: { required: true, maxLength: 200, autocomplete: "off" } },
  { name: "job_role", label: "Job role", attributes: { required: true, maxLength: 200, autocomplete: "off" } },
  { name: "email", label: "Email", attributes: { required: true, maxLength: 254, type: "email", autocomplete: "off" } },
  { name: "phone", label: "Phone", attributes: { maxLength: 40, type: "tel", autocomplete: "off" } },
  { name: "location", label: "Location", attributes: { maxLength: 200, autocomplete: "off" } },
];

export const WRITABLE = COLUMNS.filter((column) => column.attributes);

/** Make the input that asks for a column's value. */
export function makeInput(column, value) {
  const input = document.createElement("input");
  Object.assign(input, { name: column.name, type: "text", value: value ?? "", ...column.attributes });
  return input;
}

/** Read a form's values by column. What was left empty is null, which is what PostgreSQL calls "not known". */
export function readValues(form) {
  const fields = new FormData(form);
  return Object.fromEntries(WRITABLE.map(({ name }) => [name, fields.get(name).trim() || null]));
}
