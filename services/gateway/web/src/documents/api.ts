import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { asProblem, call, type Problem, type Schema } from "@/api/client";
import type { Content, Version } from "./model";

/** The routes of every kind are the same, below its own name: `/v1/rules`, `/v1/templates`. */
const below = (kind: string, ...parts: (string | number)[]): string =>
  ["/v1", kind, ...parts.map(part => encodeURIComponent(part))].join("/");

export type KindOf = Schema<"KindView">;
export type Sentence = Schema<"SentenceView">;

/** All that the page knows of a kind; a change reads it anew. */
export const keyOf = (kind: string) => ["documents", kind] as const;

export function useVersions(kind: string) {
  return useQuery({
    queryKey: keyOf(kind),
    queryFn: ({ signal }) => call<Version[]>("GET", below(kind), undefined, { signal }),
    staleTime: 60_000,
  });
}

/** The same, for a page that shows nothing without them. */
export function useVersionsNow(kind: string): Version[] {
  return useSuspenseQuery({
    queryKey: keyOf(kind),
    queryFn: ({ signal }) => call<Version[]>("GET", below(kind), undefined, { signal }),
    staleTime: 60_000,
  }).data;
}

/** What people call the fields of a kind, and what can be done with a version; whoever asks waits for it. */
export function useKind(kind: string): KindOf {
  return useSuspenseQuery({
    queryKey: ["kind", kind],
    queryFn: ({ signal }) => call<KindOf>("GET", `/v1/kinds/${kind}`, undefined, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
}

export function useDifference(kind: string, id: string, before: number, after: number): Sentence[] {
  return useSuspenseQuery({
    queryKey: [...keyOf(kind), "difference", id, before, after],
    queryFn: ({ signal }) =>
      call<Sentence[]>("GET", `${below(kind, id, "difference")}?before=${before}&after=${after}`, undefined, {
        signal,
      }),
    staleTime: Number.POSITIVE_INFINITY, // versions never change
  }).data;
}

/** One version with all it holds: a list of versions may leave long parts out. */
export function useVersionNow(kind: string, id: string, version: number): Version {
  return useSuspenseQuery({
    queryKey: [...keyOf(kind), "version", id, version],
    queryFn: ({ signal }) => call<Version>("GET", `${below(kind, id)}?version=${version}`, undefined, { signal }),
  }).data;
}

export function readNewest(kind: string, id: string): Promise<Version> {
  return call<Version>("GET", below(kind, id));
}

/** The next version, a draft. `after`: the version it was made from; undefined: a new document. */
export function save(kind: string, id: string, document: Content, why: string, after: number | undefined, key: string) {
  const headers = { "Idempotency-Key": key, ...(after === undefined ? {} : { "If-Match": `"${after}"` }) };
  return call<Version>("PUT", below(kind, id), { document, why }, { headers });
}

interface Activation {
  why: string;
  on?: string;
  shadow?: boolean;
}

export function activate(kind: string, id: string, version: number, asked: Activation, key: string): Promise<Version> {
  return call<Version>("POST", below(kind, id, "versions", version, "activate"), asked, {
    headers: { "Idempotency-Key": key },
  });
}

export function rollBack(kind: string, id: string, why: string, key: string): Promise<Version> {
  return call<Version>("POST", below(kind, id, "rollback"), { why }, { headers: { "Idempotency-Key": key } });
}

/** `shadow`: what runs in shadow alone; what is in force goes on. */
export function stop(kind: string, id: string, asked: { why: string; shadow?: true }, key: string): Promise<Version> {
  return call<Version>("POST", below(kind, id, "stop"), asked, { headers: { "Idempotency-Key": key } });
}

/** A version waits for its day no more. */
export function takeBack(kind: string, id: string, version: number, why: string): Promise<Version> {
  const path = below(kind, id, "versions", version, "schedule");
  return call<Version>("DELETE", `${path}?why=${encodeURIComponent(why)}`);
}

/** What is wrong with a document, and where. */
export interface Fault {
  field: string;
  zh: string;
  en: string;
}

/** All that a refusal says is wrong with a document; none where it was refused for something else. */
export function faultsOf(error: unknown): Fault[] {
  const problem: Problem = asProblem(error);
  const told = problem.detail.faults;
  if (Array.isArray(told)) {
    return told.filter(isFault);
  }
  return problem.status === 422 && problem.field ? [{ field: problem.field, zh: problem.zh, en: problem.en }] : [];
}

const isFault = (told: unknown): told is Fault =>
  typeof told === "object" &&
  told !== null &&
  ["field", "zh", "en"].every(name => typeof (told as Record<string, unknown>)[name] === "string");
