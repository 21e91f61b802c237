/** The table on the page: rows as text, headers that sort, and one row at a time that is edited in its place. */

import { COLUMNS, WRITABLE, makeInput, readValues } from "./columns.js";
import { make } from "./notices.js";

const EDIT_FORM = "edit-form";

/** Shows rows; what the user wants done with them goes to the three callbacks. */
export class CandidateTable {
  /**
   * @param {HTMLTableElement} table with an empty row in its head
   * @param {{onSort: (column: string) => void, onRemove: (row: object) => void,
   *   onSave: (row: object, changes: object) => Promise<boolean>}} callbacks `onSave` tells whether it was saved
   */
  constructor(table, callbacks) {
    this.table = table;
    this.body = table.tBodies[0];
    this.callbacks = callbacks;
    this.headers = new Map(COLUMNS.map((column) => [column.name, this.#header(column)]));
    const actions = withRole("th", "columnheader", make("span", "visually-hidden", "Actions"));
    table.tHead.rows[0].append(...this.headers.values(), actions);
  }

  /** Replace the rows. `order` is `{sort, descending}`; `nothing` is said when there are no rows. */
  show(rows, { sort, descending }, nothing) {
    for (const [name, header] of this.headers) {
      header.ariaSort = name === sort ? (descending ? "descending" : "ascending") : "none";
    }
    this.body.replaceChildren(...(rows.length ? rows.map((row) => this.#row(row)) : [emptyRow(nothing)]));
  }

  /** Forget every row. */
  clear() {
    this.body.replaceChildren();
  }

  /** Say that rows are on their way. */
  setBusy(busy) {
    this.table.ariaBusy = String(busy);
  }

  /** Put the keyboard on a row's first button. @returns {boolean} whether the row is shown */
  focusRow(id) {
    const button = this.body.querySelector(`tr[data-id="${CSS.escape(id)}"] button`);
    button?.focus();
    return Boolean(button);
  }

  #header({ name, label }) {
    const button = makeButton(label, "sort", () => this.callbacks.onSort(name));
    const header = withRole("th", "columnheader", button);
    header.scope = "col";
    return header;
  }

  #row(row) {
    const cells = COLUMNS.map((column) => cell(column, ...breakable(String(row[column.name] ?? ""))));
    const edit = makeButton("Edit", "quiet", () => this.#edit(row, element));
    const remove = makeButton("Delete", "quiet danger-text", () => this.callbacks.onRemove(row));
    edit.ariaLabel = `Edit ${row.name}`;
    remove.ariaLabel = `Delete ${row.name}`;
    const element = rowOf(row, ...cells, withRole("td", "cell", make("div", "actions", edit, remove)));
    return element;
  }

  /** Put a form where the row is, after ending the edit of any other row. */
  #edit(row, element) {
    this.cancelEdit?.();
    const form = make("form", "actions");
    form.id = EDIT_FORM;
    const save = make("button", "primary", "Save");
    const editor = rowOf(row, ...COLUMNS.map((column) => editCell(column, row)), withRole("td", "cell", form));
    this.cancelEdit = () => {
      this.cancelEdit = null;
      editor.replaceWith(element);
    };
    const cancel = () => {
      this.cancelEdit?.();
      this.focusRow(row.id);
    };
    form.append(save, makeButton("Cancel", "", cancel));
    form.addEventListener("submit", (event) => this.#save(event, row, save, cancel));
    editor.addEventListener("keydown", (event) => event.key === "Escape" && cancel());
    editor.classList.add("editing");
    element.replaceWith(editor);
    editor.querySelector("input").focus();
  }

  async #save(event, row, button, cancel) {
    event.preventDefault();
    const changes = changed(row, readValues(event.target));
    if (!Object.keys(changes).length) return cancel();
    button.disabled = true;
    const saved = await this.callbacks.onSave(row, changes);
    button.disabled = false;
    if (!saved) event.target.closest("tr")?.querySelector("input").focus();
  }
}

function changed(row, values) {
  const names = WRITABLE.map((column) => column.name).filter((name) => values[name] !== (row[name] ?? null));
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

function rowOf(row, ...cells) {
  const element = withRole("tr", "row", ...cells);
  element.dataset.id = row.id;
  return element;
}

function cell(column, ...children) {
  const element = withRole("td", "cell", ...children);
  element.dataset.column = column.name;
  element.dataset.label = column.label; // shown beside the value where the table is too narrow for a head
  return element;
}

/** Let a line end after an `@`, before it ends anywhere in a long address. */
function breakable(text) {
  return text.split(/(?<=@)/).flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part]));
}

function editCell(column, row) {
  if (!column.attributes) return cell(column, String(row[column.name]));
  const input = makeInput(column, row[column.name]);
  input.setAttribute("form", EDIT_FORM);
  input.ariaLabel = column.label;
  return cell(column, input);
}

function emptyRow(nothing) {
  const only = withRole("td", "cell", nothing);
  only.colSpan = COLUMNS.length + 1;
  only.className = "nothing";
  return withRole("tr", "row", only);
}

function withRole(tag, role, ...children) {
  const element = make(tag, "", ...children);
  element.role = role;
  return element;
}

function makeButton(label, className, onClick) {
  const button = make("button", className, label);
  button.type = "button";
  button.addEventListener("click", onClick);
  return button;
}
