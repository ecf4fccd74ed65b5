import type { Schema } from "@/api/client";

export type Day = Schema<"FileDay">;
export type FileStanding = Schema<"FileStanding">;
export type State = FileStanding["result"] | "missing" | "none";

/** One city's files of one kind on one day. */
export interface Cell {
  city: string;
  kind: string;
  state: State;
  /** The file that says it: the last one; absent where none has come. */
  file?: FileStanding;
  late: boolean;
  /** Files of the same kind and day before it. */
  others: number;
}

/** Glyph and tone of each state, worst first: that is the order in which they ask for attention. */
export const LOOKS: Record<State, [glyph: string, tone: string]> = {
  rejected: ["✕", "bad"],
  stuck: ["✕", "bad"],
  held: ["!", "warn"],
  missing: ["…", "warn"],
  waiting: ["…", "warn"],
  partial: ["◐", "warn"],
  loading: ["▷", ""],
  queued: ["▷", ""],
  received: ["▷", ""],
  duplicate: ["✓", "good"],
  accepted: ["✓", "good"],
  none: ["", ""],
};
const ORDER = Object.keys(LOOKS) as State[];
/** Half a pair has not come either. */
const NOT_COME: readonly State[] = ["missing", "waiting"];
const DONE: readonly State[] = ["accepted", "duplicate", "none"];

export interface Grid {
  cities: string[];
  kinds: string[];
  /** By `city/kind`. */
  cells: ReadonlyMap<string, Cell>;
  expected: number;
  came: number;
  rejected: number;
  missing: number;
}

export const at = (city: string, kind: string): string => `${city}/${kind}`;

/** The files of a day as a table of cities and kinds. A kind that nobody sends has no column. */
export function gridOf(day: Day): Grid {
  const cells = new Map<string, Cell>();
  for (const { city, kind } of day.missing) {
    cells.set(at(city, kind), { city, kind, state: "missing", late: false, others: 0 });
  }
  for (const file of [...day.files].sort((one, other) => one.sequence - other.sequence)) {
    const before = cells.get(at(file.city, file.kind));
    cells.set(at(file.city, file.kind), {
      city: file.city,
      kind: file.kind,
      state: file.result,
      file,
      late: file.late ?? false,
      others: before?.file ? before.others + 1 : 0,
    });
  }
  const all = [...cells.values()];
  const used = new Set(all.map(cell => cell.kind));
  const missing = all.filter(cell => NOT_COME.includes(cell.state)).length;
  return {
    cities: [...new Set(all.map(cell => cell.city))].sort(),
    kinds: day.kinds.filter(kind => used.has(kind)),
    cells,
    expected: all.length,
    came: all.length - missing,
    rejected: all.filter(cell => cell.state === "rejected").length,
    missing,
  };
}

/** Cells that are not loaded whole, worst first. */
export function problems(grid: Grid): Cell[] {
  return [...grid.cells.values()]
    .filter(cell => !DONE.includes(cell.state) || cell.late)
    .sort(
      (one, other) =>
        ORDER.indexOf(one.state) - ORDER.indexOf(other.state) ||
        (other.file?.rejected ?? 0) - (one.file?.rejected ?? 0) ||
        at(one.city, one.kind).localeCompare(at(other.city, other.kind)),
    );
}

/** The day `days` after a business day. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** A file's name without its extension, as it stands in an address. */
export function stemOf(file: string): string {
  return file.replace(/\.(dat\.gz|chk|rej)$/, "");
}

/** The business day that a file's name says. */
export function dayOfFile(name: string): string | undefined {
  const match = /^[A-Z]+_\d{6}_(\d{4})(\d{2})(\d{2})_\d{4}/.exec(name);
  return match ? `${match[1]}-${match[2]}-${match[3]}` : undefined;
}
