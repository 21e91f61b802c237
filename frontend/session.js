/**
 * Who is signed in. The id token is kept for this tab only; there is no cookie, so no other site can use it.
 *
 * The token's claims are read to be shown. Nothing here trusts them: the API verifies the token with every call, and
 * the tenant comes from that verified token alone.
 */

import { call, CallFailed } from "./http.js";

const STORED = "tenantry.id-token";

/** What Cognito may ask for before it signs somebody in, and how to ask the user for it. */
const CHALLENGES = {
  NEW_PASSWORD_REQUIRED: {
    text: "Choose a password of your own to go on.",
    label: "New password",
    answerName: "NEW_PASSWORD",
    attributes: { type: "password", autocomplete: "new-password" },
  },
  SOFTWARE_TOKEN_MFA: {
    text: "Enter the code that your authenticator app shows.",
    label: "Code",
    answerName: "SOFTWARE_TOKEN_MFA_CODE",
    attributes: { type: "text", autocomplete: "one-time-code", inputMode: "numeric", pattern: "[0-9]{6}" },
  },
};

/** Signs users in with a Cognito user pool. */
export class SignIn {
  constructor({ cognitoUrl, clientId }) {
    this.url = cognitoUrl;
    this.clientId = clientId;
  }

  /**
   * Begin with a name and a password.
   *
   * @returns {Promise<{token: string} | {challenge: object}>} a challenge goes to `answer` with what the user says
   * @throws {CallFailed} in Cognito's words
   */
  async begin(username, password) {
    const answer = await this.#call("InitiateAuth", {
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: username, PASSWORD: password },
    });
    return outcome(answer, username);
  }

  /** Answer a challenge. Returns and throws what `begin` does. */
  async answer(challenge, reply) {
    const answer = await this.#call("RespondToAuthChallenge", {
      ChallengeName: challenge.name,
      Session: challenge.session,
      ChallengeResponses: { USERNAME: challenge.username, [challenge.answerName]: reply },
    });
    return outcome(answer, challenge.username);
  }

  #call(action, body) {
    const headers = {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}`,
    };
    return call(this.url, { method: "POST", headers, body: { ClientId: this.clientId, ...body } });
  }
}

function outcome(answer, username) {
  const token = answer?.AuthenticationResult?.IdToken;
  if (token) return { token };
  const known = CHALLENGES[answer?.ChallengeName];
  if (!known) {
    const asked = answer?.ChallengeName ?? "something unknown";
    throw new CallFailed({ message: `This account's sign-in asks for ${asked}, which the console cannot do.` });
  }
  // Cognito may know the user by another name than the one that was typed.
  const name = answer.ChallengeParameters?.USER_ID_FOR_SRP ?? username;
  return { challenge: { ...known, name: answer.ChallengeName, session: answer.Session, username: name } };
}

/** Read a token's claims for display. @returns {object | null} null where it is no JSON Web Token */
export function readClaims(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

export const storedToken = () => sessionStorage.getItem(STORED);
export const storeToken = (token) => sessionStorage.setItem(STORED, token);
export const forgetToken = () => sessionStorage.removeItem(STORED);
