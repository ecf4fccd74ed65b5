import { useKept } from "@/habits/kept";
import { FOLDED, type Group, type WorkRow } from "./fields";

export interface Folds {
  isOpen: (name: string) => boolean;
  toggle: (name: string) => void;
  /** Rows of the groups that are open, in the order in which they stand. */
  rows: readonly WorkRow[];
}

/** Which groups are folded: later ones are, until the person says otherwise, but never all: what comes first is in sight. */
export function useFolds(groups: readonly Group[]): Folds {
  const [said, setSaid] = useKept<Record<string, boolean>>("work/open", {});
  const isOpen = (name: string): boolean => said[name] ?? (name === groups[0]?.name || !FOLDED.has(name as never));
  return {
    isOpen,
    toggle: name => setSaid({ ...said, [name]: !isOpen(name) }),
    rows: groups.flatMap(group => (isOpen(group.name) ? group.rows : [])),
  };
}
