import type { Schema } from "@/api/client";

export const VERBS = ["see", "change", "export", "reveal"] as const;
export const FIELD_CLASSES = ["name", "phone", "id_number", "birthday", "address"] as const;

type Verb = (typeof VERBS)[number];
type FieldClass = (typeof FIELD_CLASSES)[number];
type View = Pick<Schema<"RoleView">, "name_zh" | "name_en" | "rights" | "clear" | "reveals">;

/** How a class of personal fields is shown. */
export type Showing = "masked" | "reveal" | "clear";

/** A role as it is being edited. */
export interface Draft {
  name_zh: string;
  name_en: string;
  rights: Record<string, Verb[]>;
  clear: FieldClass[];
  reveals: FieldClass[];
}

export function draftOf(view: View): Draft {
  return {
    name_zh: view.name_zh,
    name_en: view.name_en,
    rights: Object.fromEntries(Object.entries(view.rights).map(([area, verbs]) => [area, [...verbs]])),
    clear: [...(view.clear ?? [])],
    reveals: [...(view.reveals ?? [])],
  };
}

/** Whoever may do anything with an area sees it; whoever does not see it may do nothing there. */
export function withRight(draft: Draft, area: string, verb: Verb, has: boolean): Draft {
  const held = new Set(draft.rights[area]);
  if (has) {
    held.add(verb).add("see");
  } else if (verb === "see") {
    held.clear();
  } else {
    held.delete(verb);
  }
  return { ...draft, rights: { ...draft.rights, [area]: VERBS.filter(each => held.has(each)) } };
}

export function showingOf({ clear, reveals }: Draft, field: FieldClass): Showing {
  return clear.includes(field) ? "clear" : reveals.includes(field) ? "reveal" : "masked";
}

export function withShowing(draft: Draft, field: FieldClass, showing: Showing): Draft {
  const others = (fields: FieldClass[]): FieldClass[] => fields.filter(each => each !== field);
  return {
    ...draft,
    clear: showing === "clear" ? [...others(draft.clear), field] : others(draft.clear),
    reveals: showing === "reveal" ? [...others(draft.reveals), field] : others(draft.reveals),
  };
}
