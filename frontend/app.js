/** The console: wires the sign-in, the API and the views to each other. */

import { Candidates } from "./api.js";
import { loadConfig } from "./config.js";
import { makeAddDialog, makeRemoveDialog } from "./dialogs.js";
import { clear, explain, tell } from "./notices.js";
import { forgetToken, readClaims, storedToken, storeToken } from "./session.js";
import { makeSignInView } from "./sign-in.js";
import { CandidateTable } from "./table.js";

const SEARCH_DELAY_MS = 250;
const FIRST_VIEW = { search: "", sort: "id", descending: false, size: 25, page: 0 };

const find = (id) => document.getElementById(id);
const refusal = find("refusal");
const news = find("news");

let config;
let candidates; // the signed-in user's access to the API
let signedOut; // its AbortController
let listing; // the AbortController of the latest list call
let view = FIRST_VIEW;

const table = new CandidateTable(find("table"), {
  onSort: (sort) => show({ sort, descending: view.sort === sort && !view.descending, page: 0 }),
  onSave: save,
  onRemove: (row) => removeDialog.open(row),
});
const addDialog = makeAddDialog(add, fail);
const removeDialog = makeRemoveDialog(remove, fail);
const signInView = makeSignInView(enter);

/** Show the table to whoever the token belongs to. */
function enter(token) {
  storeToken(token);
  signedOut = new AbortController();
  candidates = new Candidates(config.apiUrl, token, signedOut.signal);
  const claims = readClaims(token) ?? {};
  find("who-name").textContent = claims.email ?? claims["cognito:username"] ?? claims.sub ?? "Signed in";
  find("who-tenant").textContent = claims[config.tenantClaim] ?? "no tenant";
  find("who-role").textContent = claims[config.roleClaim] ?? "no role";
  signInView.hide();
  clear(refusal);
  find("account").hidden = find("candidates").hidden = false;
  find("candidates-title").focus();
  return show(FIRST_VIEW);
}

/** Forget the user and everything of theirs that the page holds, and ask who is next. */
function leave() {
  signedOut?.abort();
  listing?.abort();
  forgetToken();
  candidates = null;
  addDialog.close();
  removeDialog.close();
  table.clear();
  clear(news);
  clear(refusal);
  view = FIRST_VIEW;
  find("search-form").reset();
  find("page-size").value = FIRST_VIEW.size;
  find("range").textContent = "";
  for (const id of ["who-name", "who-tenant", "who-role"]) find(id).textContent = "";
  find("account").hidden = find("candidates").hidden = true;
  signInView.show();
}

/** Read and show the rows of the view with these changes made to it. Only the latest call's answer is shown. */
async function show(changes = {}) {
  if (!candidates) return;
  view = { ...view, ...changes };
  listing?.abort();
  const current = (listing = new AbortController());
  table.setBusy(true);
  try {
    const { rows, more } = await candidates.list(view, current.signal);
    if (current.signal.aborted) return;
    if (!rows.length && view.page > 0) return await show({ page: view.page - 1 });
    table.show(rows, view, view.search ? `No candidate's name has “${view.search}” in it.` : "No candidates yet.");
    showPager(rows.length, more);
  } catch (failure) {
    fail(failure);
  } finally {
    if (listing === current) table.setBusy(false);
  }
}

function showPager(count, more) {
  const before = view.page * view.size;
  const last = before + count;
  find("range").textContent = count ? `${before + 1} to ${last} ${more ? "and more" : `of ${last}`}` : "";
  find("previous").disabled = view.page === 0;
  find("next").disabled = !more;
}

async function add(values) {
  const row = await candidates.add(values);
  tell(news, `${row.name} was added with ID ${row.id}.`);
  show(); // not awaited: the dialog closes as soon as the row is stored
}

async function save(row, changes) {
  try {
    const saved = await candidates.change(row.id, changes);
    clear(refusal);
    tell(news, `${saved.name} was saved.`);
    await show();
    if (!table.focusRow(saved.id)) find("candidates-title").focus();
    return true;
  } catch (failure) {
    fail(failure);
    return false;
  }
}

async function remove(row) {
  await candidates.remove(row.id);
  tell(news, `${row.name} was deleted.`);
  show().then(() => find("candidates-title").focus()); // the button that had the focus is gone with its row
}

/** Show why something failed. A refused token ends the session, whatever the user was doing. */
function fail(failure) {
  if (failure.name === "AbortError") return;
  if (failure.status === 401) leave();
  clear(news);
  explain(refusal, failure);
}

function wire() {
  let typing;
  find("sign-out").addEventListener("click", leave);
  find("add").addEventListener("click", () => addDialog.open());
  find("search-form").addEventListener("submit", (event) => event.preventDefault());
  find("search").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => show({ search: event.target.value.trim(), page: 0 }), SEARCH_DELAY_MS);
  });
  find("page-size").addEventListener("change", (event) => show({ size: Number(event.target.value), page: 0 }));
  find("previous").addEventListener("click", () => show({ page: view.page - 1 }));
  find("next").addEventListener("click", () => show({ page: view.page + 1 }));
}

async function start() {
  wire();
  try {
    config = await loadConfig();
  } catch (failure) {
    explain(refusal, failure);
    return;
  }
  signInView.use(config);
  const token = storedToken();
  if (token) await enter(token);
  else signInView.show();
}

await start();
