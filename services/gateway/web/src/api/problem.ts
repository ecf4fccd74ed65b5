import type { Language } from "@/i18n/language";

/** A refusal of the server, or no answer at all (`status` 0), in both languages and with the number to ask about. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly zh: string;
  readonly en: string;
  readonly field?: string;
  /** What support needs to find the request again. */
  readonly reference?: string;
  /** Seconds after which it may be asked again. */
  readonly retryAfter?: number;
  /** The body as it came: what a 412 or a 429 says beyond the words. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(status: number, detail: Readonly<Record<string, unknown>>, headers?: Headers) {
    const text = (name: string): string | undefined =>
      typeof detail[name] === "string" && detail[name] !== "" ? (detail[name] as string) : undefined;
    const code = text("error") ?? text("code") ?? (status === 0 ? "no_answer" : `http_${status}`);
    super(code);
    this.status = status;
    this.code = code;
    this.zh = text("zh") ?? text("title") ?? "";
    this.en = text("en") ?? text("title") ?? "";
    this.field = text("field");
    this.reference = text("correlation_id") ?? headers?.get("Kam-Correlation-Id") ?? undefined;
    const wait = Number(headers?.get("Retry-After"));
    this.retryAfter = wait > 0 ? wait : undefined;
    this.detail = detail;
  }

  /** What the server says in the person's language; empty where it said nothing. */
  said(language: Language): string {
    return this[language];
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }

  /** It is not there, or not to be seen any more. */
  get isOutOfSight(): boolean {
    return this.status === 404 || this.status === 403;
  }

  /** Somebody else has changed it in the meantime. */
  get isClash(): boolean {
    return this.status === 412 || this.status === 409;
  }
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, { en: String((error as Error)?.message ?? error) });
}

/** The problem that an answer tells of, whatever its body is. */
export async function problemOf(response: Response): Promise<Problem> {
  let detail: unknown;
  try {
    detail = await response.json();
  } catch {
    detail = undefined;
  }
  const body = typeof detail === "object" && detail !== null && !Array.isArray(detail) ? detail : {};
  return new Problem(response.status, body as Record<string, unknown>, response.headers);
}
