// Makes every call with the client, one after the other, and prints a line of JSON for each:
// { name, ok, got, expected }.
//
// node run.mjs CLIENT URL, where CLIENT is the client's module; the token is in TOKEN.
import { isDeepStrictEqual } from "node:util";
import filters from "./filters.mjs";
import functions from "./functions.mjs";
import reading from "./reading.mjs";
import relations from "./relations.mjs";
import writing from "./writing.mjs";

const [client, url] = process.argv.slice(2);
const { PostgrestClient } = await import(client);
const headers = { Authorization: `Bearer ${process.env.TOKEN}` };
const db = new PostgrestClient(url, { headers, retry: false });

// What is expected is an object of what has to be so: data, count, status, or the code of the error. Anything else
// is the data.
function wanted(expected) {
  const names = ["data", "count", "status", "code", "details", "hint"];
  const isObject = expected !== null && typeof expected === "object" && !Array.isArray(expected);
  return isObject && Object.keys(expected).every((name) => names.includes(name)) ? expected : { data: expected };
}

function found(result, expected) {
  const error = result.error ?? {};
  const values = { ...result, code: error.code, details: error.details, hint: error.hint };
  return Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]));
}

for (const [name, call, expectation] of [...filters, ...reading, ...relations, ...writing, ...functions]) {
  const expected = wanted(expectation);
  let result;
  try {
    result = await call(db);
  } catch (thrown) {
    result = { thrown: String(thrown), error: { message: String(thrown), code: thrown.code } };
  }
  const agrees = isDeepStrictEqual(found(result, expected), expected);
  const ok = agrees && ("code" in expected || !result.error);
  const { data, count, status, error } = result;
  console.log(JSON.stringify({ name, ok, got: { data, count, status, error }, expected }));
}
