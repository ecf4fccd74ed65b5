/** Whose it is what this browser keeps: one computer may serve several people, each of whom finds only their own. */
let owner = "";

/** Of nobody: written before there were owners, or before anybody was known. Staff numbers are in capitals. */
const NOBODYS = /^kam\.(kept|draft|last)\.(?![A-Z0-9][A-Z0-9._-]*\/)/;

/** Done once, at the start: what belongs to no person is found by none, and would lie here for good. */
export function sweepNobodys(): void {
  try {
    for (const storage of [localStorage, sessionStorage]) {
      for (const key of Object.keys(storage).filter(name => NOBODYS.test(name))) {
        storage.removeItem(key);
      }
    }
  } catch {
    // A browser that keeps nothing has nothing to sweep.
  }
}

/** Said by the session, before any page shows itself; nobody: what is kept then belongs to no person. */
export function setOwner(staffNo: string | undefined): void {
  owner = staffNo ?? "";
}

/** How keys of this kind begin that are the person's own: `kam.draft.M01/`. */
export const own = (kind: "kam.kept" | "kam.draft" | "kam.last"): string => `${kind}.${encodeURIComponent(owner)}/`;
