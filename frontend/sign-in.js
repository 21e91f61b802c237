/** The sign-in's two forms: name and password, and whatever Cognito asks for after them. */

import { clear, explain } from "./notices.js";
import { SignIn } from "./session.js";

const find = (id) => document.getElementById(id);

/** Wire the forms; `onToken(token)` is called when somebody has signed in. */
export function makeSignInView(onToken) {
  const section = find("sign-in");
  const first = find("sign-in-form");
  const second = find("challenge-form");
  const refusal = find("refusal");
  let signIn;
  let challenge;

  function restart() {
    challenge = null;
    first.hidden = false;
    second.hidden = true;
    first.reset();
    second.reset();
    first.elements.username.focus();
  }

  function ask(asked) {
    challenge = asked;
    find("challenge-text").textContent = asked.text;
    find("challenge-label").textContent = asked.label;
    second.reset();
    second.elements.answer.removeAttribute("pattern");
    Object.assign(second.elements.answer, asked.attributes);
    first.hidden = true;
    second.hidden = false;
    second.elements.answer.focus();
  }

  /** Run one step on a form's submission, and show where it leads. */
  function onSubmit(form, step) {
    const button = form.querySelector("[type=submit]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      clear(refusal);
      try {
        const { token, challenge: asked } = await step(form.elements);
        if (asked) ask(asked);
        else await onToken(token);
      } catch (failure) {
        explain(refusal, failure);
        form.querySelector("[type=password], [name=answer]").select();
      } finally {
        button.disabled = false;
      }
    });
  }

  onSubmit(first, ({ username, password }) => signIn.begin(username.value.trim(), password.value));
  onSubmit(second, ({ answer }) => signIn.answer(challenge, answer.value));
  find("challenge-cancel").addEventListener("click", restart);
  return {
    use: (config) => (signIn = new SignIn(config)),
    show() {
      section.hidden = false;
      restart();
    },
    hide() {
      section.hidden = true;
      restart(); // the password must not stay in the page
    },
  };
}
