/**
 * What an error means for who reads it here, and what to do: a sentence for each code of the data API and of Cognito.
 *
 * The codes are in docs/errors.md. What is told apart is told apart by the code, and else by the status.
 */

const OPERATOR = "ask whoever runs this service";
const OTHER_TABLE = `Your table is not what this page expects. Please ${OPERATOR} to look at its columns.`;
const NOT_SERVED = `Your organisation's data can't be reached with this account. Please ${OPERATOR} to look at it.`;
const LATER = "Your data can't be reached at the moment. Try again in a minute.";
const FAULT = `Something went wrong that you can't mend here. Try again; if it stays so, ${OPERATOR}.`;
const CREDENTIALS =
  "The email address or the password is wrong, or the sign-in took too long. Check both and sign in again.";
const TOO_OFTEN = "There were too many attempts. Wait a few minutes, then try again.";

/** By code, or by its beginning where nothing longer is here. */
const SENTENCES = {
  // Who you are
  unauthenticated: "Your sign-in has ended. Sign in again.",
  access_denied: "This account's role may not do this. Sign in with another one, or ask your administrator for a role that may.",
  42501: "Your role may not do this. Ask your administrator for a role that may.",
  tenant_: `Your organisation is not served at the moment. Sign in again; if that does not help, ${OPERATOR}.`,
  tenant_suspended: `Your organisation's access is suspended. Please ${OPERATOR} why.`,
  tenant_renamed: "Your organisation has a new id. Sign out and sign in again.",
  tenant_moving: "Your organisation's data is being moved, and can't be changed for a moment. Try again in a few seconds.",
  schema_behind: "Your organisation's tables are being brought up to date. Try again in a few minutes.",
  tenant_provisioning: "Your organisation is still being set up. Try again in a few minutes.",
  credentials_: NOT_SERVED,
  identity_: NOT_SERVED,
  server_: NOT_SERVED,
  login_: NOT_SERVED,
  "28": NOT_SERVED,
  // How much
  storage_full: `Your organisation's storage is full. Delete what you don't need, or ${OPERATOR} for more room.`,
  payload_too_large: "This is too much at once. Shorten what you entered, or show fewer rows a page.",
  53200: "This is too much at once. Shorten what you entered, or show fewer rows a page.",
  throttled: "There were too many requests in a short time. Wait a few seconds, then try again.",
  too_many_at_once: "Your organisation is doing much at the same time. Wait a few seconds, then try again.",
  quota_exceeded: `Your organisation has used up its requests of this month. Please ${OPERATOR} for a larger plan.`,
  "54": "This is too much at once. Search for something simpler, or show fewer rows a page.",
  57014: "This took too long. Search for something more specific, or show fewer rows a page.",
  // What was entered
  "22": "A value does not fit its field. Correct it and save again.",
  "23": "The table does not take this row. Correct the values and save again.",
  23502: "A field that has to be filled in is empty. Fill it in and save again.",
  23503: "Other entries refer to this one, or it refers to one that is gone. Change those first.",
  23505: "There is an entry with this value already. Choose another value, such as another email address.",
  "44": "The table does not take this row. Correct the values and save again.",
  PGRST103: "There is no such page any more. Go back to the previous one.",
  // What is there
  PGRST: OTHER_TABLE,
  "42": OTHER_TABLE,
  "0A": OTHER_TABLE,
  "25": "This can only be read at the moment. Try again in a few minutes.",
  not_found: `This page asks for what the service does not have. Reload it; if that does not help, ${OPERATOR}.`,
  bad_request: `The service did not understand this page. Reload it; if that does not help, ${OPERATOR}.`,
  // Trouble
  "08": LATER,
  "08007": "The connection broke, so the change may or may not have been made. Look at the rows before you repeat it.",
  "40": "Somebody else changed the same thing at the same time. Try again.",
  "53": LATER,
  "55": "Somebody else is changing this at the moment. Try again in a few seconds.",
  "57": LATER,
  "3D": `Your organisation's database is not there. Please ${OPERATOR} to restore it.`,
  "21": FAULT,
  "26": FAULT,
  "2F": FAULT,
  // Cognito
  NotAuthorizedException: CREDENTIALS,
  UserNotFoundException: CREDENTIALS,
  PasswordResetRequiredException: "Your password has to be reset. Ask your administrator for a new one.",
  UserNotConfirmedException: "Your account is not confirmed yet. Ask your administrator to confirm it.",
  InvalidPasswordException: "This password is too simple. Choose a longer one, with capital and small letters and digits.",
  CodeMismatchException: "This code is not right. Enter the one that your authenticator app shows now.",
  EnableSoftwareTokenMFAException: "This code is not right. Enter the one that your authenticator app shows now.",
  ExpiredCodeException: "This code is too old. Enter the one that your authenticator app shows now.",
  InvalidParameterException: "The sign-in was not understood. Check what you entered and try again.",
  TooManyRequestsException: TOO_OFTEN,
  TooManyFailedAttemptsException: TOO_OFTEN,
  LimitExceededException: TOO_OFTEN,
  ResourceNotFoundException: `This page's sign-in is not set up rightly. Please ${OPERATOR}.`,
  UserLambdaValidationException: `Your sign-in was refused. Please ${OPERATOR} why.`,
};

/** By status, for what has a code that is not above: what a function of the organisation's own raised, for one. */
const BY_STATUS = {
  401: SENTENCES.unauthenticated,
  403: SENTENCES.access_denied,
  404: SENTENCES.not_found,
  409: "This clashes with what is there already. Reload the page and try again.",
  413: SENTENCES.payload_too_large,
  429: SENTENCES.throttled,
  502: LATER,
  503: LATER,
  504: SENTENCES["57014"],
};

/** Codes of a function or a trigger of the organisation's own; their message is written for who reads it here. */
const RAISED = /^(P0001|PT\d{3})$/;

/**
 * Say what an error means and what to do.
 *
 * @param {{status?: number, code?: string, message: string}} failure
 * @returns {string} one or two sentences, without the code
 */
export function sentenceFor({ status, code, message }) {
  if (status === undefined) return FAULT; // an error of this page's own
  if (!code || RAISED.test(code)) return message; // no code: the words of this page
  return byCode(code) ?? BY_STATUS[status] ?? (status >= 500 ? FAULT : `${asSentence(message)} ${ELSE}`);
}

const ELSE = `Correct what you entered, or ${OPERATOR}.`;

function byCode(code) {
  for (let length = code.length; length > 1; length -= 1) {
    const beginning = code.slice(0, length);
    if (Object.hasOwn(SENTENCES, beginning)) return SENTENCES[beginning];
  }
  return undefined;
}

const asSentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
