/** Where the keys stand, as long as that row is shown: a place kept from yesterday may be of another list. */
export function hereOf(shown: readonly string[], current: string | undefined): string | undefined {
  return current !== undefined && shown.includes(current) ? current : undefined;
}

/** Those that a key works on: what is selected, else what is open, else the row the keys stand on. */
export function targetOf(selected: readonly string[], opened: string | undefined, here: string | undefined): string[] {
  return selected.length > 0 ? [...selected] : [opened ?? here].filter(id => id !== undefined);
}

/** Whose form is open after this item's was opened or closed: an answer that comes late closes no other's. */
export function actingAfter(now: string | undefined, id: string, isOpen: boolean): string | undefined {
  return isOpen ? id : now === id ? undefined : now;
}
