import type { Schema } from "@/api/client";

/** What BOSS says of an outcome: nothing yet, that it is so, or that it is not. */
export interface Claim {
  standing: "awaiting" | "confirmed" | "contradicted";
  /** What is still owed, in fen, where a debt was marked as paid. */
  owes?: number;
}

type Page = Pick<Schema<"WholeCustomer">, "arrears" | "customer">;

/** Outcomes that only BOSS's records bring about. */
const PROVED: ReadonlySet<string> = new Set([
  "cleared",
  "recovered",
  "closed",
  "renewed",
  "expired",
  "left",
  "withdrawn",
  "superseded",
]);

/**
 * A manager's word beside BOSS's: what was said at `closedAt`, against records that are newer. `undefined` where there is
 * nothing to prove.
 */
export function claimOf(outcome: string | null | undefined, closedAt: string, page?: Page): Claim | undefined {
  if (!outcome) {
    return undefined;
  }
  if (PROVED.has(outcome)) {
    return { standing: "confirmed" };
  }
  const status = page?.customer.status;
  switch (outcome) {
    case "paid":
    case "promised": {
      const debt = page?.arrears;
      const amount = debt?.amount_fen;
      if (typeof amount !== "number" || !debt) {
        return { standing: "awaiting" };
      }
      if (amount <= 0) {
        return { standing: "confirmed" };
      }
      const isNewer = Date.parse(debt.at) > Date.parse(closedAt);
      return outcome === "paid" && isNewer ? { standing: "contradicted", owes: amount } : { standing: "awaiting" };
    }
    case "retained":
      return { standing: status === "left" ? "contradicted" : "awaiting" };
    case "lost":
      return { standing: status === "left" ? "confirmed" : "awaiting" };
    default:
      return undefined;
  }
}
