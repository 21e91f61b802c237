/** The two questions of the page, asked in modal dialogs: what to add, and whether to delete. */

import { WRITABLE, makeInput, readValues } from "./columns.js";
import { clear, explain, make } from "./notices.js";

const find = (id) => document.getElementById(id);

/**
 * Make the form that adds a candidate.
 *
 * @param {(values: object) => Promise} add rejects where it is refused; the form then stays open and says why
 * @param {(failure: Error) => void} fail is told what no open dialog can show, and of every refused token
 */
export function makeAddDialog(add, fail) {
  const fields = WRITABLE.map((column) => {
    const mark = column.attributes.required ? [] : [make("span", "optional", " (optional)")];
    return make("label", "field", make("span", "", column.label, ...mark), makeInput(column));
  });
  find("add-fields").append(...fields);
  return wire("add", (form) => add(readValues(form)), fail);
}

/** Make the question before a deletion; `remove(row)` and `fail` are as for adding. */
export function makeRemoveDialog(remove, fail) {
  let row;
  const { open, close } = wire("remove", () => remove(row), fail);
  return {
    close,
    open(wanted) {
      row = wanted;
      find("remove-text").textContent = `${row.name} (ID ${row.id}) will be gone from your table for good.`;
      open();
    },
  };
}

/** Wire the dialog, the form, the place for a refusal and the cancel button whose ids begin with `name`. */
function wire(name, act, fail) {
  const [dialog, form, refusal, cancel] = ["dialog", "form", "refusal", "cancel"].map((part) => find(`${name}-${part}`));
  const submit = form.querySelector("[type=submit]");
  const setBusy = (busy) => (submit.disabled = cancel.disabled = busy);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", (event) => submit.disabled && event.preventDefault());
  dialog.addEventListener("close", () => {
    form.reset();
    clear(refusal);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await act(form);
      dialog.close();
    } catch (failure) {
      if (failure.status === 401 || !dialog.open) fail(failure);
      else explain(refusal, failure);
    } finally {
      setBusy(false);
      if (dialog.open) submit.focus();
    }
  });
  return { open: () => dialog.showModal(), close: () => dialog.close() };
}
