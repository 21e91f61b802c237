/** The tenant's own table `candidates`, over the data API. */

import { call, CallFailed } from "./http.js";
import { COLUMNS } from "./columns.js";

const SELECTED = COLUMNS.map((column) => column.name).join(",");

/** Calls the data API with one user's token. No call names a tenant: the token does. */
export class Candidates {
  /** @param {AbortSignal} signal ends every call that is under way, when the user signs out */
  constructor(apiUrl, token, signal) {
    this.url = `${apiUrl}/rest/v1/candidates`;
    this.headers = { Authorization: `Bearer ${token}` };
    this.signal = signal;
  }

  /**
   * Read a page.
   *
   * @param {{search: string, sort: string, descending: boolean, size: number, page: number}} wanted page from 0
   * @returns {Promise<{rows: object[], more: boolean}>} `more` tells whether another page follows
   */
  async list({ search, sort, descending, size, page }, signal) {
    const query = new URLSearchParams({
      select: SELECTED,
      order: order(sort, descending),
      limit: size + 1, // the row too many says that there is a next page, without a count of the whole table
      offset: page * size,
    });
    if (search) query.set("name", `ilike.${pattern(search)}`);
    const rows = await this.#call("GET", query, { signal: AbortSignal.any([this.signal, signal]) });
    return { rows: rows.slice(0, size), more: rows.length > size };
  }

  /** Add a candidate. @returns {Promise<object>} the row as it was stored */
  async add(candidate) {
    return only(await this.#call("POST", new URLSearchParams({ select: SELECTED }), { body: candidate }));
  }

  /** Change the given columns of one candidate. @returns {Promise<object>} the row as it was stored */
  async change(id, changes) {
    return only(await this.#call("PATCH", one(id), { body: changes }));
  }

  /** Delete one candidate. @returns {Promise<object>} the row as it was */
  async remove(id) {
    return only(await this.#call("DELETE", one(id)));
  }

  #call(method, query, { body, signal = this.signal } = {}) {
    const headers = { ...this.headers };
    if (method !== "GET") headers.Prefer = "return=representation";
    if (body) headers["Content-Type"] = "application/json";
    return call(`${this.url}?${query}`, { method, headers, body, signal });
  }
}

function order(sort, descending) {
  const wanted = `${sort}.${descending ? "desc" : "asc"}`;
  // Equal values need an order of their own, or a row could show on two pages, or on none.
  return sort === "id" ? wanted : `${wanted},id.asc`;
}

/**
 * A pattern that finds the words anywhere in a name. What `LIKE` gives a meaning to is escaped; the API's grammar has
 * no escape for `*`, so that matches any one character.
 */
function pattern(words) {
  return `*${words.replace(/[\\%_]/g, "\\$&").replaceAll("*", "_")}*`;
}

const one = (id) => new URLSearchParams({ id: `eq.${id}`, select: SELECTED });

function only(rows) {
  if (rows?.length) return rows[0];
  throw new CallFailed({ message: "This candidate is no longer there.", hint: "Somebody else may have deleted it." });
}
