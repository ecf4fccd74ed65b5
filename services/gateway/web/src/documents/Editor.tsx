import { useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input, Segmented } from "antd";
import { type ComponentType, useEffect, useRef, useState } from "react";
import { asProblem, type Problem } from "@/api/client";
import { requestKeys } from "@/api/requestKey";
import { Boundary } from "@/components/Boundary";
import { later } from "@/components/later";
import { Skeletons } from "@/components/Skeletons";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";
import { type Fault, faultsOf, type KindOf, keyOf, readNewest, save } from "./api";
import { Clash } from "./Clash";
import styles from "./documents.module.css";
import { EditProvider } from "./edit";
import { FaultList, goToField } from "./FaultList";
import { documentsText } from "./messages";
import { type Content, contentOf, type Version } from "./model";
import { useDocumentDraft } from "./useDocumentDraft";

const TextEditor = later(async () => (await import("./TextEditor")).default);
const yaml = () => import("./yaml");

const DOCUMENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

interface Props {
  kind: string;
  about: KindOf;
  /** null: a new document, whose id stands in its content. */
  id: string | null;
  /** The newest version, which the next one follows; undefined for a new document. */
  after?: number;
  first: Content;
  /** Fields of this kind; without one every kind has those of its shape. */
  Form: ComponentType;
  onSaved: (saved: Version) => void;
}

/** Writes the next version of a document, in fields or as text. It is kept as a draft, with a reason. */
export function Editor({ kind, about, id, after, first, Form, onSaved }: Props) {
  const t = useText(documentsText);
  const shared = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const { tell } = useUndo();
  const [keys] = useState(requestKeys);
  const draft = useDocumentDraft(`${kind}/${id ?? ""}`, { after, content: first, why: "" });
  const { written, write } = draft;
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [problem, setProblem] = useState<Problem>();
  const [theirs, setTheirs] = useState<Version>();
  const [isSaving, setSaving] = useState(false);
  const [needsWhy, setNeedsWhy] = useState(false);
  const why = useRef<HTMLDivElement>(null);
  const isText = written.text !== undefined;

  const left = useRef(draft.isDirty);
  left.current = draft.isDirty;
  useEffect(
    () => () => {
      if (left.current) {
        tell({ text: t.leaving });
      }
    },
    [tell, t],
  );

  /** The content as it stands, undefined where its text can't be read: that is said. */
  const content = async (): Promise<Content | undefined> => {
    if (written.text === undefined) {
      return written.content;
    }
    const { document, faults: found } = await (await yaml()).readText(written.text);
    setFaults(found);
    return document;
  };
  const turn = async (to: "form" | "text"): Promise<void> => {
    if (to === "text") {
      write({ text: (await yaml()).asText(written.content) });
    } else {
      const document = await content();
      if (document) {
        write({ content: document, text: undefined });
      }
    }
  };
  const send = async (): Promise<void> => {
    const reason = written.why.trim();
    if (!reason) {
      setNeedsWhy(true);
      why.current?.querySelector("textarea")?.focus();
      return;
    }
    const document = await content();
    if (!document) {
      return;
    }
    const name = id ?? String(document.id ?? "");
    if (!DOCUMENT_ID.test(name)) {
      setFaults([{ field: "id", zh: documentsText.zh.idNeeded, en: documentsText.en.idNeeded }]);
      return;
    }
    setSaving(true);
    setProblem(undefined);
    try {
      const key = keys.of(kind, name, document, reason, written.after);
      const saved = await save(kind, name, document, reason, written.after, key);
      keys.done(key);
      left.current = false;
      draft.discard();
      await client.invalidateQueries({ queryKey: keyOf(kind) });
      tell({ text: t.savedAs(saved.version) });
      onSaved(saved);
    } catch (error) {
      const refused = asProblem(error);
      setFaults(faultsOf(refused));
      setProblem(refused);
      if (refused.status === 412 && id !== null) {
        setTheirs(await readNewest(kind, id).catch(() => undefined));
      }
    } finally {
      setSaving(false);
    }
  };
  useShortcuts([
    { keys: "Mod+Enter", label: t.save, group: shared.shortcuts.item, inInputs: true, run: () => void send() },
  ]);

  const takeTheirs = (version: Version): void => {
    const mine = written;
    write({ after: version.version, content: contentOf(version), text: undefined });
    setTheirs(undefined);
    setProblem(undefined);
    tell({ text: t.tookTheirs, undo: async () => write({ ...mine, after: version.version }) });
  };
  const isTaken = problem?.status === 428 || (problem?.status === 412 && id === null);
  return (
    <div className={styles.editor}>
      {draft.wasKept && draft.isDirty && (
        <Alert
          type="info"
          title={written.after === undefined ? t.newKept : t.draftKept(written.after)}
          action={
            <Button
              size="small"
              onClick={() => {
                const mine = written;
                draft.discard();
                setFaults([]);
                tell({ text: t.discarded, undo: async () => write(mine) });
              }}
            >
              {t.discard}
            </Button>
          }
        />
      )}
      <Segmented
        className={styles.turn}
        aria-label={t.content}
        value={isText ? "text" : "form"}
        options={[
          { value: "form" as const, label: t.form },
          { value: "text" as const, label: t.text },
        ]}
        onChange={to => void turn(to as "form" | "text")}
      />
      {theirs && id !== null && (
        <Clash
          kind={kind}
          before={written.after}
          theirs={theirs}
          onMine={() => {
            write({ after: theirs.version });
            setTheirs(undefined);
            setProblem(undefined);
          }}
          onTheirs={() => takeTheirs(theirs)}
        />
      )}
      {faults.length > 0 && !isText && <FaultList faults={faults} onGo={fault => goToField(fault.field)} />}
      {isText ? (
        <TextEditor
          what={t.text}
          waiting={<Skeletons n={10} />}
          text={written.text ?? ""}
          faults={faults}
          onChange={text => write({ text })}
        />
      ) : (
        <EditProvider
          document={written.content}
          set={next => write({ content: next })}
          faults={faults}
          fields={about.fields}
          isNew={id === null}
        >
          <Boundary what={t.form}>
            <Form />
          </Boundary>
        </EditProvider>
      )}
      <div ref={why} className={styles.why}>
        <label htmlFor="document-why" className={styles.label}>
          {t.why}
        </label>
        <Input.TextArea
          id="document-why"
          rows={2}
          maxLength={500}
          value={written.why}
          placeholder={t.whyHint}
          status={needsWhy && !written.why.trim() ? "error" : undefined}
          onChange={event => write({ why: event.target.value })}
        />
        {needsWhy && !written.why.trim() && <p className={styles.faults}>{t.whyNeeded}</p>}
      </div>
      {problem && !theirs && faults.length === 0 && (
        <Alert
          type="error"
          showIcon
          role="alert"
          title={shared.problem.save}
          description={[
            isTaken ? t.idTaken : problem.said(language) || shared.problem.noAnswer,
            problem.reference && shared.problem.reference(problem.reference),
          ]
            .filter(Boolean)
            .join(" · ")}
        />
      )}
      <div className={styles.buttons}>
        <Button type="primary" loading={isSaving} disabled={theirs !== undefined} onClick={() => void send()}>
          {t.save}
        </Button>
      </div>
    </div>
  );
}
