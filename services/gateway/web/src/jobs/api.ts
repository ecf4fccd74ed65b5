import { answer, api, call, type Schema } from "@/api/client";
import type { Role } from "@/session/api";

export type Job = Schema<"JobView">;
export type ExportAsked = Schema<"ExportAsked">;
export type ListName = ExportAsked["list"];
export type Format = ExportAsked["format"];
/** What a list is narrowed by, in wire values: what the page gives to `GET /v1/lists/…`. */
export type ListFilter = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

export const JOBS = ["jobs"] as const;

export function listJobs(signal?: AbortSignal): Promise<Job[]> {
  return answer(api.GET("/v1/jobs", { signal }));
}

export function startExport(asked: ExportAsked): Promise<Job> {
  return answer(api.POST("/v1/exports", { body: asked }));
}

export function forgetJob(id: string): Promise<void> {
  return call<void>("DELETE", `/v1/jobs/${encodeURIComponent(id)}`);
}

export function fileOf(job: Pick<Job, "id">): string {
  return `/v1/jobs/${encodeURIComponent(job.id)}/file`;
}

export function isUnfinished(job: Pick<Job, "state">): boolean {
  return job.state === "queued" || job.state === "running";
}

/** A filter as the export takes it: what says nothing is left out, lists are joined by commas. */
export function wireFilter(filter: ListFilter): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(filter)) {
    const text = String(value ?? "");
    if (text !== "" && name !== "sort" && name !== "cursor" && name !== "limit") {
      found[name] = text;
    }
  }
  return found;
}

const EXPORTS: Readonly<Partial<Record<Role, readonly ListName[]>>> = {
  head: ["alerts", "work", "sms", "customers"],
  city_head: ["alerts", "work", "sms", "customers"],
  analyst: ["alerts", "work", "sms"],
};

/** Whether there is a button at all; the server decides by the role's rights all the same. */
export function mayExport(role: Role, list: ListName): boolean {
  return EXPORTS[role]?.includes(list) ?? false;
}
