import { daysUntil, instant } from "@/format";
import { type AlertFacts, numberOf, type RuleFacts, textOf } from "./facts";

/** What the small chart of a card draws, without its label: a figure against what is normal, or time that runs out. */
export type Micro =
  | { points: readonly (number | null)[]; band: readonly [number, number]; line: number }
  | { share: number; ticks: readonly number[] };

/** Days of debt that the axis of arrears shows, and its marks. */
const DEBT_DAYS = 120;
const DEBT_TICKS = [30, 60, 90] as const;
/** Days before the end of a contract at which one is warned; the axis begins at the first. */
const CONTRACT_TICKS = [90, 60, 30, 7, 1] as const;
const COMPLAINT_WARNS_AT = 0.8;

/**
 * An alert's chart from what the alert itself says, with nothing to read: the fall from the mean into or below the band;
 * the debt, the complaint or the contract as a dot on its way past the stages. Undefined where there is nothing to draw.
 */
export function microOf(alert: AlertFacts & { raised_at: string }, now: number, rule?: RuleFacts): Micro | undefined {
  const values = alert.values ?? {};
  switch (alert.kind) {
    case "churn_warning":
      return fall(alert, rule);
    case "arrears": {
      const since = textOf(values, "oldest_due_on");
      const days = since ? -daysUntil(since, now) : numberOf(values, "days_overdue");
      return days === undefined || Number.isNaN(days)
        ? undefined
        : { share: days / DEBT_DAYS, ticks: DEBT_TICKS.map(day => day / DEBT_DAYS) };
    }
    case "complaint_opened": {
      const [from, to] = [instant(textOf(values, "opened_at") ?? alert.raised_at), instant(alert.due_at ?? "")];
      return to > from ? { share: (now - from) / (to - from), ticks: [COMPLAINT_WARNS_AT] } : undefined;
    }
    case "contract_expiring": {
      const ends = textOf(values, "ends_on");
      const left = ends === undefined ? Number.NaN : daysUntil(ends, now);
      const axis = CONTRACT_TICKS[0];
      return Number.isNaN(left)
        ? undefined
        : { share: (axis - left) / axis, ticks: CONTRACT_TICKS.map(day => (axis - day) / axis) };
    }
    default:
      return undefined;
  }
}

/** From the mean of the months before down to the month itself; the band is what the rule takes for normal. */
function fall(alert: AlertFacts, rule?: RuleFacts): Micro | undefined {
  const values = alert.values ?? {};
  const figure = ["amount_fen", "voice_minutes"].find(name => numberOf(values, `${name}_base`) !== undefined);
  const [sum, now] = [numberOf(values, `${figure}_base`), numberOf(values, figure ?? "")];
  if (sum === undefined || now === undefined) {
    return undefined;
  }
  const months = rule?.months ?? 3;
  const mean = sum / months;
  const line = (mean * (rule?.percent ?? 70)) / 100;
  return { points: [...Array.from({ length: months }, () => mean), now], band: [line, mean], line };
}
