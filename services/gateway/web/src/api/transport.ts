import { Problem } from "./problem";
import { requestKey } from "./requestKey";

/** Asks the person to sign in again over the page; resolves once they have. */
type Reauthenticate = () => Promise<void>;

let reauthenticate: Reauthenticate | undefined;

/** The session says here what to do when it has ended in the middle of something. */
export function onSessionEnd(handler: Reauthenticate | undefined): void {
  reauthenticate = handler;
}

/** Proof that the request comes from a script of our own page: no form and no link of another site can set it. */
export const OWN_REQUEST = { "Kam-Request": "1" } as const;

const KEY = "Idempotency-Key";

/**
 * `fetch` for everything the page asks. A request that meets an ended session waits for the person to sign in over the
 * page and is then sent once more, so nothing that was typed or clicked is lost; under its key it happens once.
 * Throws Problem without an answer.
 */
export async function transport(request: Request): Promise<Response> {
  if (request.method === "POST" && !request.headers.has(KEY)) {
    request.headers.set(KEY, requestKey());
  }
  const again = request.clone();
  const response = await send(request);
  if (response.status !== 401 || !reauthenticate) {
    return response;
  }
  await reauthenticate();
  return send(again);
}

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if ((error as Error).name === "AbortError") {
      throw error;
    }
    throw new Problem(0, {});
  }
}
