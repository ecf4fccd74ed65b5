import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, Problem, type Schema } from "@/api/client";
import { requestKey, requestKeys } from "@/api/requestKey";
import { useUndo } from "@/habits/undo";
import { useLanguage, useText } from "@/i18n";
import { commandText } from "./messages";

export type RowResults = Schema<"RowResults">;

/** Most that one request takes. */
export const AT_ONCE = 200;

export function acknowledge(ids: readonly string[], key = requestKey()): Promise<RowResults> {
  return inParts(ids, (part, at) =>
    answer(api.POST("/v1/alerts/acknowledge", { body: { ids: part }, params: { header: named(key, at) } })),
  );
}

export function unacknowledge(ids: readonly string[], key = requestKey()): Promise<RowResults> {
  return inParts(ids, (part, at) =>
    answer(api.POST("/v1/alerts/unacknowledge", { body: { ids: part }, params: { header: named(key, at) } })),
  );
}

export function handOver(ids: readonly string[], to: string, note?: string, key = requestKey()): Promise<RowResults> {
  return inParts(ids, (part, at) =>
    answer(api.POST("/v1/alerts/hand-over", { body: { ids: part, to, note }, params: { header: named(key, at) } })),
  );
}

const named = (key: string, at: number) => ({ "Idempotency-Key": `${key}-${at}` });

/** The same asked of more than one request takes, part by part; what became of each row, in their order. */
export async function inParts(
  ids: readonly string[],
  ask: (part: string[], at: number) => Promise<RowResults>,
): Promise<RowResults> {
  const whole: RowResults = { done: 0, refused: 0, results: [] };
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const part = await ask(ids.slice(at, at + AT_ONCE), at / AT_ONCE);
    whole.done += part.done;
    whole.refused += part.refused;
    whole.results.push(...part.results);
  }
  return whole;
}

/** Ids of the rows that this request has changed: what undo takes back. */
export function idsDone(found: RowResults): string[] {
  return found.results.filter(row => row.result === "done").map(row => row.id);
}

/** Why rows were refused, each reason once with how often. */
export function refusals(found: RowResults, language: "zh" | "en"): string {
  const counts = new Map<string, number>();
  for (const row of found.results) {
    if (row.result === "refused") {
      const why = row[language] ?? row.error ?? "";
      counts.set(why, (counts.get(why) ?? 0) + 1);
    }
  }
  return [...counts].map(([why, n]) => (n > 1 ? `${why} ×${n}` : why)).join(language === "zh" ? "；" : "; ");
}

/** Throws the first refusal, where nothing at all was done: undo then says why. */
export function orThrow(found: RowResults): RowResults {
  const refused = found.results.find(row => row.result === "refused");
  if (refused && found.done === 0) {
    throw new Problem(409, { error: refused.error, zh: refused.zh, en: refused.en });
  }
  return found;
}

/** What depends on alerts and work items is read anew; lists stay as they are and hear of it by live messages. */
export function useRefresh(): () => void {
  const client = useQueryClient();
  return () => {
    // A moment later: the read model hears of it by the log.
    setTimeout(() => {
      for (const name of ["alert", "work-item", "contacts", "facets", "why"]) {
        void client.invalidateQueries({ queryKey: [name] });
      }
    }, 400);
  };
}

export interface AlertCommands {
  /** Marks these as known to me, tells it with ten seconds to undo. Resolves to the ids that were changed. */
  acknowledge: (ids: readonly string[]) => Promise<string[]>;
  handOver: (ids: readonly string[], to: { id: string; name: string }, note?: string) => Promise<string[]>;
  isBusy: boolean;
}

/**
 * Commands on alerts with their notices, undo and failures. `onState` changes rows on screen at once: the state they
 * have now, before a live message says the same.
 */
export function useAlertCommands(
  onState: (ids: readonly string[], state: "acknowledged" | "raised") => void = () => undefined,
): AlertCommands {
  const t = useText(commandText);
  const language = useLanguage();
  const { tell } = useUndo();
  const refresh = useRefresh();
  const [busy, setBusy] = useState(0);
  const [keys] = useState(requestKeys);

  const carryOut = async (
    asked: readonly unknown[],
    ask: (key: string) => Promise<RowResults>,
    then: (found: RowResults) => void,
  ): Promise<string[]> => {
    setBusy(n => n + 1);
    const key = keys.of(...asked);
    try {
      const found = await ask(key);
      keys.done(key);
      then(found);
      refresh();
      return idsDone(found);
    } catch (error) {
      tell({ text: t.failed(error instanceof Problem ? error.said(language) : ""), tone: "error" });
      return [];
    } finally {
      setBusy(n => n - 1);
    }
  };
  const failures = (found: RowResults): string =>
    found.refused ? t.refused(found.refused, refusals(found, language)) : "";

  return {
    isBusy: busy > 0,
    acknowledge: ids =>
      carryOut(
        ["acknowledge", ids],
        key => acknowledge(ids, key),
        found => {
          const done = idsDone(found);
          const known = found.results.filter(row => row.result !== "refused").map(row => row.id);
          onState(known, "acknowledged");
          tell({
            text: `${t.acknowledged(done.length)}${failures(found)}`,
            tone: done.length === 0 && found.refused > 0 ? "error" : "plain",
            undo:
              done.length === 0
                ? undefined
                : async () => {
                    const back = orThrow(await unacknowledge(done));
                    onState(idsDone(back), "raised");
                    refresh();
                  },
          });
        },
      ),
    handOver: (ids, to, note) =>
      carryOut(
        ["hand over", ids, to.id, note],
        key => handOver(ids, to.id, note, key),
        found => {
          onState(idsDone(found), "raised");
          tell({
            text: `${t.handedOver(found.done, to.name)}${failures(found)}`,
            tone: found.done === 0 && found.refused > 0 ? "error" : "plain",
          });
        },
      ),
  };
}
