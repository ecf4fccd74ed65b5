import { useState } from "react";
import { idsDone, inParts, orThrow, type RowResults, refusals, useRefresh } from "@/alerts/commands";
import { commandText } from "@/alerts/messages";
import { answer, api, Problem, type Schema } from "@/api/client";
import { requestKey, requestKeys } from "@/api/requestKey";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import type { Act, Outcome, Result } from "./choices";
import { workText } from "./messages";

export type WorkChanged = Schema<"WorkChanged">;

/** What the form of an act holds. */
export interface Done {
  kind: Act;
  result: Result;
  note?: string;
  promised_on?: string;
  follow_up_on?: string;
}

/** Throws Problem; 412 where another person has changed the item since `revision`. */
export function act(workId: string, done: Done, key: string, revision?: number | null): Promise<WorkChanged> {
  return answer(
    api.POST("/v1/work/{id}/act", {
      params: { path: { id: workId }, header: headers(key, revision) },
      body: done,
    }),
  );
}

function headers(key: string, revision?: number | null) {
  return { "Idempotency-Key": key, ...(revision ? { "If-Match": `"${revision}"` } : {}) };
}

type Bulk = Omit<Schema<"BulkWork">, "ids">;

export function bulk(ids: readonly string[], asked: Bulk, key = requestKey()): Promise<RowResults> {
  return inParts(ids, (part, at) =>
    answer(
      api.POST("/v1/work/bulk", {
        body: { ...asked, ids: part },
        params: { header: { "Idempotency-Key": `${key}-${at}` } },
      }),
    ),
  );
}

/** What a row of the list becomes at once, before a live message says the same. */
export type WorkChange = Partial<Pick<Schema<"WorkRow">, "state" | "outcome" | "holder_id">>;

export interface WorkCommands {
  accept: (ids: readonly string[]) => Promise<boolean>;
  /** False: nothing was saved. */
  close: (ids: readonly string[], outcome: Outcome, note?: string) => Promise<boolean>;
  actOnAll: (ids: readonly string[], done: Done) => Promise<boolean>;
  handOver: (ids: readonly string[], to: { id: string; name: string }, note?: string) => Promise<boolean>;
}

/** Commands on work items with their notices; accepting can be undone for ten seconds. */
export function useWorkCommands(onChange: (ids: readonly string[], change: WorkChange) => void): WorkCommands {
  const t = useText(workText);
  const said = useText(commandText);
  const shared = useText(common);
  const language = useLanguage();
  const { tell } = useUndo();
  const refresh = useRefresh();
  const [keys] = useState(requestKeys);

  const carryOut = async (
    ids: readonly string[],
    asked: Bulk,
    change: WorkChange,
    told: (n: number) => string,
    undo?: (done: string[]) => Promise<void>,
  ): Promise<boolean> => {
    const key = keys.of(ids, asked);
    try {
      const found = await bulk(ids, asked, key);
      keys.done(key);
      const done = idsDone(found);
      onChange(done, change);
      const failures = found.refused ? said.refused(found.refused, refusals(found, language)) : "";
      tell({
        text: told(done.length) + failures,
        tone: done.length === 0 && found.refused > 0 ? "error" : "plain",
        undo: undo && done.length > 0 ? () => undo(done) : undefined,
      });
      refresh();
      return done.length > 0;
    } catch (error) {
      tell({ text: said.failed(error instanceof Problem ? error.said(language) : ""), tone: "error" });
      return false;
    }
  };

  return {
    accept: ids =>
      carryOut(ids, { action: "accept" }, { state: "accepted" }, t.accepted, async done => {
        const back = orThrow(await bulk(done, { action: "release" }));
        onChange(idsDone(back), { state: "new" });
        refresh();
      }),
    close: (ids, outcome, note) =>
      carryOut(ids, { action: "close", outcome, note }, { state: "closed", outcome }, n =>
        t.closed(n, word(shared.outcome, outcome)),
      ),
    actOnAll: (ids, { promised_on: _, ...done }) =>
      carryOut(ids, { action: "act", ...done }, { state: "acted" }, t.loggedMany),
    handOver: (ids, to, note) =>
      carryOut(ids, { action: "hand_over", to: to.id, note }, { state: "new", holder_id: to.id }, n =>
        said.handedOver(n, to.name),
      ),
  };
}
