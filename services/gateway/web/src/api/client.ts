import createClient from "openapi-fetch";
import { type Problem, problemOf } from "./problem";
import type { components, paths } from "./schema";
import { OWN_REQUEST, transport } from "./transport";

export { asProblem, Problem } from "./problem";

/** Shapes of the gateway's answers by their name in its OpenAPI document: `Schema<"AlertView">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** The gateway, typed by its OpenAPI document (`npm run types`): `await answer(api.GET("/v1/alerts", …))`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  headers: OWN_REQUEST,
  fetch: transport,
});

type Pending<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** The data of an answer. Throws Problem where it was refused. */
export async function answer<T>(asked: Pending<T>): Promise<T> {
  return (await whole(asked)).data;
}

/** Data together with its response, for ETag and age. Throws Problem where it was refused. */
export async function whole<T>(asked: Pending<T>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await asked;
  if (!response.ok) {
    throw await refusal(error, response);
  }
  return { data: data as T, response };
}

async function refusal(error: unknown, response: Response): Promise<Problem> {
  // The body is read already; openapi-fetch hands it over as object or text.
  const body = typeof error === "object" && error !== null ? JSON.stringify(error) : "{}";
  return problemOf(new Response(body, { status: response.status, headers: response.headers }));
}

/** A route outside the document, or one whose answer is no JSON of a known shape. Throws Problem. */
export async function call<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  init: { headers?: Record<string, string>; signal?: AbortSignal; again?: boolean } = {},
): Promise<T> {
  const request = new Request(new URL(path, location.origin), {
    method,
    signal: init.signal,
    headers: {
      ...OWN_REQUEST,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...init.headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const response = init.again === false ? await fetch(request) : await transport(request);
  if (!response.ok) {
    throw await problemOf(response);
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}
