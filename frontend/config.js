/** Where the API and the sign-in are: `config.json`, beside the page. */

import { call, CallFailed } from "./http.js";

const REQUIRED = ["apiUrl", "cognitoUrl", "clientId"];
const OPTIONAL = { tenantClaim: "custom:tenant_id", roleClaim: "custom:role" };

/** @throws {CallFailed} it is not there, or something is missing in it */
export async function loadConfig() {
  const config = await read();
  const missing = REQUIRED.filter((key) => typeof config?.[key] !== "string" || !config[key]);
  if (missing.length) {
    throw new CallFailed({
      message: `This console is not configured: config.json lacks ${missing.join(", ")}.`,
      hint: "frontend/README.md says what belongs in it.",
    });
  }
  return { ...OPTIONAL, ...config, apiUrl: config.apiUrl.replace(/\/+$/, "") };
}

async function read() {
  try {
    return await call("config.json");
  } catch (failure) {
    throw new CallFailed({
      status: failure.status,
      message: "This console is not configured: config.json cannot be read.",
      hint: "Put the file beside index.html; frontend/README.md says what belongs in it.",
    });
  }
}
