/** What the page tells its user, put in as text, whatever it holds. */

import { CallFailed } from "./http.js";

const NEWS_MS = 6_000;
let fading;

/** Make an element with a class and children; strings among them become text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Say that something was done; it goes away by itself. */
export function tell(place, text) {
  clearTimeout(fading);
  place.replaceChildren(make("p", "notice notice-good", text));
  fading = setTimeout(() => place.replaceChildren(), NEWS_MS);
}

/** Show an error in the API's own words; it stays until it is dismissed or `clear` is called. */
export function explain(place, failure) {
  const notice = make("div", "notice notice-bad", make("p", "notice-message", failure.message));
  for (const words of [failure.details, failure.hint]) {
    if (words) notice.append(make("p", "", words));
  }
  const origin = [failure.status || null, failure.code].filter(Boolean).join(" · ");
  if (origin) notice.append(make("p", "notice-code", origin));
  const dismiss = make("button", "notice-dismiss", "×");
  dismiss.type = "button";
  dismiss.ariaLabel = "Dismiss this message";
  dismiss.addEventListener("click", () => clear(place));
  notice.append(dismiss);
  place.replaceChildren(notice);
  // What is no refusal is a fault of this page: its developer wants to see it.
  if (!(failure instanceof CallFailed)) console.error(failure);
}

/** Take away what `tell` or `explain` have put there. */
export function clear(place) {
  place.replaceChildren();
}
