import { createContext, type ReactNode, useContext, useId, useMemo } from "react";
import { common, useLanguage, useText, word } from "@/i18n";
import type { Fault, KindOf } from "./api";
import styles from "./documents.module.css";
import { documentsText } from "./messages";
import type { Content } from "./model";
import { at, withAt } from "./paths";

interface Edit {
  document: Content;
  set: (next: Content) => void;
  faults: readonly Fault[];
  /** Of the fields, in the language of the person. */
  words: ReadonlyMap<string, string>;
  /** Whether it has been kept under its id already. */
  isNew: boolean;
}

const Context = createContext<Edit | null>(null);

interface ProviderProps {
  document: Content;
  set: (next: Content) => void;
  faults: readonly Fault[];
  fields: KindOf["fields"];
  isNew: boolean;
  children: ReactNode;
}

/** A document that is being written, for the fields in it. */
export function EditProvider({ document, set, faults, fields, isNew, children }: ProviderProps) {
  const words = useWords(fields);
  const edit = useMemo(() => ({ document, set, faults, words, isNew }), [document, set, faults, words, isNew]);
  return <Context value={edit}>{children}</Context>;
}

export function useWords(fields: KindOf["fields"] | undefined): ReadonlyMap<string, string> {
  const language = useLanguage();
  return useMemo(() => new Map(fields?.map(each => [each.field, each[language]])), [fields, language]);
}

export function useEdit(): Edit {
  const edit = useContext(Context);
  if (!edit) {
    throw new Error("a field outside of a document that is edited");
  }
  return edit;
}

/** One place of the document: what stands there, how it is called, what is wrong with it. */
export function usePlace<T = unknown>(path: string) {
  const { document, set, words } = useEdit();
  const shared = useText(common);
  const t = useText(documentsText);
  const faults = useFaultsAt(path);
  const name =
    path
      .split(/[.[]/)
      .filter(step => step && !/^\d+\]$/.test(step))
      .pop() ?? path;
  return {
    value: at(document, path) as T | undefined,
    set: (value: unknown) => set(withAt(document, path, value)),
    // Many fields are named by codes that have words everywhere: kinds of alerts, severities, languages.
    label: words.get(name) ?? word({ ...shared.kindLong, ...shared.severity, ...t.parts }, name),
    faults,
  };
}

/** What is wrong there, in the language of the person. */
export function useFaultsAt(path: string): string[] {
  const { faults } = useEdit();
  const language = useLanguage();
  return faults.filter(fault => fault.field === path).map(fault => fault[language]);
}

/** Beneath a field: what is wrong with it and what to do about it. */
export function FaultsAt({ path, id }: { path: string; id?: string }) {
  const faults = useFaultsAt(path);
  return faults.length === 0 ? null : (
    <ul id={id} className={styles.faults}>
      {faults.map(fault => (
        <li key={fault}>{fault}</li>
      ))}
    </ul>
  );
}

interface FieldProps {
  path: string;
  label?: ReactNode;
  /** Between the sentence's words rather than under a label. */
  inline?: boolean;
  /** Gets what the control needs to be known by: its id, and the faults that describe it. */
  children: (control: { id: string; status?: "error"; "aria-describedby"?: string }) => ReactNode;
}

/** A labelled control of one place, with what is wrong there right at it. */
export function Field({ path, label, inline, children }: FieldProps) {
  const id = useId();
  const place = usePlace(path);
  const isFaulty = place.faults.length > 0;
  const control = { id, ...(isFaulty ? { status: "error" as const, "aria-describedby": `${id}-faults` } : {}) };
  return (
    <span className={inline ? styles.inline : styles.field} data-field={path}>
      <label htmlFor={id} className={inline ? "kam-hidden" : styles.label}>
        {label ?? place.label}
      </label>
      {children(control)}
      <FaultsAt path={path} id={`${id}-faults`} />
    </span>
  );
}
