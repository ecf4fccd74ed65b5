import type { Schema } from "@/api/client";

/** A document's own content, plain. */
export type Content = Readonly<Record<string, unknown>>;

/** A version of a document that staff change, of whatever kind; its fields stand at the top, too. */
export type Version = Pick<
  Schema<"DocumentView">,
  "id" | "version" | "state" | "author" | "why" | "created_at" | "active_from" | "tried" | "switches"
> & { document: Content; [field: string]: unknown };
export type State = Version["state"];
export type Step = Schema<"SwitchView">;

/** What a version keeps of its newest trial. */
export interface Tried {
  trial_id: string;
  at: string;
  by: string;
  against: number | null;
  from: string;
  to: string;
  customers: number;
  alerts: number;
  same: number;
  added: number;
  gone: number;
}

export interface Versions {
  id: string;
  /** First the one that is in force, or was until it was stopped; then newest first. */
  versions: readonly [Version, ...Version[]];
}

const decides = (version: Version): boolean => version.state === "active" || version.state === "stopped";

/** All versions, by the document they are of. */
export function byDocument(all: readonly Version[]): Versions[] {
  const found = new Map<string, Version[]>();
  for (const version of all) {
    found.set(version.id, [...(found.get(version.id) ?? []), version]);
  }
  return [...found].map(([id, versions]) => ({
    id,
    versions: versions.sort(
      (one, other) => Number(decides(other)) - Number(decides(one)) || other.version - one.version,
    ) as [Version, ...Version[]],
  }));
}

export const newest = (versions: readonly [Version, ...Version[]]): Version =>
  versions.reduce((found, each) => (each.version > found.version ? each : found));

export const inForce = (versions: readonly Version[]): Version | undefined =>
  versions.find(each => each.state === "active");

/** Whether another version was in force before, so that there is something to go back to. */
export const canGoBack = (versions: readonly Version[]): boolean => versions.some(each => each.state === "retired");

/** What a version is compared with before anybody says so: what is in force, of that itself the one before. */
export function comparedWith(versions: readonly Version[], version: Version): Version | undefined {
  const active = inForce(versions);
  if (active && active !== version) {
    return active;
  }
  return [...versions]
    .filter(each => each.version < version.version)
    .sort((one, other) => other.version - one.version)[0];
}

/** Without what a version says of itself: the content that the next one is made from. */
export const contentOf = (version: Version): Content => version.document;
