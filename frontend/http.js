/** One HTTP call that speaks JSON, and the one error that everything on this page fails with. */

const DEADLINE_MS = 35_000; // a little more than the gateway's own limit of 29 s, so its answer comes first

/** A call was refused or had no answer. `status` is 0 where there was no answer at all. */
export class CallFailed extends Error {
  constructor({ status = 0, code = null, message, details = null, hint = null }) {
    super(message);
    this.name = "CallFailed";
    Object.assign(this, { status, code, details, hint });
  }
}

/**
 * Call an address.
 *
 * @param {string} url where to
 * @param {{method?: string, headers?: object, body?: object, signal?: AbortSignal}} options `body` is sent as JSON
 * @returns {Promise<any>} the parsed answer, or null for an empty one
 * @throws {CallFailed} the answer is an error, is no JSON, or did not come
 * @throws {DOMException} AbortError, when `signal` ended the call
 */
export async function call(url, { method = "GET", headers = {}, body, signal } = {}) {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const options = { method, headers, signal: signal ? AbortSignal.any([signal, deadline]) : deadline };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response, text;
  try {
    response = await fetch(url, { ...options, cache: "no-store", credentials: "omit", redirect: "error" });
    text = await response.text();
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw unreachable(failure);
  }
  const answer = parse(text, response.status);
  if (!response.ok) throw refusal(answer, response.status);
  return answer;
}

function parse(text, status) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new CallFailed({ status, message: "The answer is not what this page understands. Reload the page and try again." });
  }
}

/** Take the data API's `{code, message, details, hint}` or Cognito's `{__type, message}`. */
function refusal(answer, status) {
  const told = answer ?? {};
  return new CallFailed({
    status,
    code: told.code ?? told.__type?.split("#").at(-1),
    message: told.message ?? told.Message ?? `The request was refused with status ${status}. Try again in a minute.`,
    details: told.details,
    hint: told.hint,
  });
}

function unreachable(failure) {
  if (failure.name === "TimeoutError") {
    return new CallFailed({ message: "There was no answer in time.", hint: "Look at the rows before you try again." });
  }
  return new CallFailed({ message: "The service cannot be reached.", hint: "Check your connection and try again." });
}
