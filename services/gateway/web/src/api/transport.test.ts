import { afterEach, describe, expect, it, vi } from "vitest";
import { call, Problem } from "./client";
import { onSessionEnd } from "./transport";

const answers = (...given: (Response | Error)[]): ReturnType<typeof vi.fn> => {
  const fetch = vi.fn(async (_: Request) => {
    const next = given.shift() ?? Response.json({});
    if (next instanceof Error) {
      throw next;
    }
    return next;
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
};
const refused = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers });

describe("what the page asks", () => {
  afterEach(() => onSessionEnd(undefined));

  it("carries the header that no form and no link can set", async () => {
    const fetch = answers(Response.json({ ok: true }));
    await call("POST", "/v1/work/W1/accept", { a: 1 });
    const request = fetch.mock.calls[0]?.[0] as Request;
    expect(request.headers.get("Kam-Request")).toBe("1");
    expect(request.headers.get("Content-Type")).toBe("application/json");
  });

  it("waits for the person where the session has ended, and is sent once more as it was", async () => {
    const fetch = answers(refused(401, {}), Response.json({ done: true }));
    const signIn = vi.fn(async () => undefined);
    onSessionEnd(signIn);
    expect(await call("POST", "/v1/work/W1/act", { note: "called" })).toEqual({ done: true });
    expect(signIn).toHaveBeenCalledOnce();
    const bodies = fetch.mock.calls.map(([request]) => (request as Request).text());
    expect(await bodies[1]).toBe('{"note":"called"}');
    const keys = fetch.mock.calls.map(([request]) => (request as Request).headers.get("Idempotency-Key"));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it("is told apart when it is the sign-in itself", async () => {
    answers(refused(401, { error: "wrong_password", zh: "不对", en: "wrong" }));
    const signIn = vi.fn(async () => undefined);
    onSessionEnd(signIn);
    await expect(call("POST", "/v1/session", {}, { again: false })).rejects.toMatchObject({ status: 401 });
    expect(signIn).not.toHaveBeenCalled();
  });

  it("fails with what the server said, and the number to ask about", async () => {
    answers(
      refused(429, { error: "too_many", zh: "太多", en: "too many", correlation_id: "c-7" }, { "Retry-After": "90" }),
    );
    const problem = await call("GET", "/v1/alerts").catch(error => error as Problem);
    expect(problem).toMatchObject({ status: 429, code: "too_many", reference: "c-7", retryAfter: 90 });
    expect((problem as Problem).said("zh")).toBe("太多");
  });

  it.each([
    ["no JSON", new Response("<html>", { status: 502 }), 502],
    ["JSON of another shape", refused(500, [1, 2]), 500],
    ["nothing", new TypeError("failed to fetch"), 0],
  ])("fails as a problem when the answer is %s", async (_, given, status) => {
    answers(given);
    const problem = await call("GET", "/v1/alerts").catch(error => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ status, zh: "", en: "" });
  });
});
