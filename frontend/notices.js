/** What the page tells its user, put in as text, whatever it holds. */

import { sentenceFor } from "./errors.js";
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

/** Show what an error means and what to do, and below, to be opened, what the service said; it stays until dismissed. */
export function explain(place, failure) {
  const notice = make("div", "notice notice-bad", make("p", "notice-message", sentenceFor(failure)));
  if (failure.code) notice.append(whatWasSaid(failure));
  else if (failure.hint) notice.append(make("p", "", failure.hint));
  const dismiss = make("button", "notice-dismiss", "×");
  dismiss.type = "button";
  dismiss.ariaLabel = "Dismiss this message";
  dismiss.addEventListener("click", () => clear(place));
  notice.append(dismiss);
  place.replaceChildren(notice);
  // What is no refusal is a fault of this page: its developer wants to see it.
  if (!(failure instanceof CallFailed)) console.error(failure);
}

/** The service's own words, for whoever is asked about them. Where a value is refused, they name it, and are open. */
function whatWasSaid({ status, code, message, details, hint }) {
  const words = [message, details, hint].filter(Boolean).map((each) => make("p", "", String(each)));
  const origin = make("p", "notice-code", [status, code].filter(Boolean).join(" · "));
  const more = make("details", "notice-more", make("summary", "", "What the service said"), ...words, origin);
  more.open = /^2[23]/.test(code);
  return more;
}

/** Take away what `tell` or `explain` have put there. */
export function clear(place) {
  place.replaceChildren();
}
