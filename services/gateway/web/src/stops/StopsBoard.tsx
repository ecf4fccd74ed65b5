import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Alert, Button, Input, Select } from "antd";
import { useState } from "react";
import { answer, api, asProblem } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { SystemTime } from "@/components/Time";
import { useVersionsNow } from "@/documents/api";
import styles from "@/documents/documents.module.css";
import { Labelled } from "@/documents/Labelled";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { stopsText } from "./messages";
import { type Stop, standingStops } from "./standing";

const SORTS = ["template", "kind", "rule", "channel"] as const;
type Sort = (typeof SORTS)[number];
/** The ways by which SMS leave; the server refuses what it has not, and says what it has. */
const CHANNELS = ["smpp", "http", "file"];

/** What leaves no more, and since when, by whom, why; to stop, and to release. */
export default function StopsBoard() {
  const t = useText(stopsText);
  const mayChange = useMayEverywhere("rules", "change");
  const { data: found } = useSuspenseQuery(standingStops);
  return (
    <div className={styles.sheet}>
      <p className="kam-secondary">{t.intro}</p>
      <section aria-label={t.list} className={styles.shape}>
        <h2>{t.list}</h2>
        {found.length === 0 && <EmptyState text={t.none} />}
        <ul className={styles.cards}>
          {found.map(stop => (
            <Standing key={stop.what} stop={stop} mayChange={mayChange} />
          ))}
        </ul>
      </section>
      {mayChange && <NewStop />}
    </div>
  );
}

function Standing({ stop, mayChange }: { stop: Stop; mayChange: boolean }) {
  const t = useText(stopsText);
  const nameOf = useNames();
  const [why, setWhy] = useState("");
  const release = useChange(
    () => {
      const [sort, id] = stop.what.split("/", 2) as [Sort, string];
      return answer(
        api.DELETE("/v1/stops/{sort}/{id}", { params: { path: { sort, id }, query: { why: why.trim() } } }),
      );
    },
    t.released(nameOf(stop.what)),
  );
  return (
    <li className={styles.card}>
      <b>{nameOf(stop.what)}</b>
      <span>{stop.why}</span>
      <span className="kam-secondary">
        {stop.by} · <SystemTime at={stop.at} focusable />
      </span>
      {mayChange && (
        <span className={styles.head}>
          <Input
            aria-label={`${t.why} ${nameOf(stop.what)}`}
            placeholder={t.why}
            maxLength={500}
            value={why}
            onChange={event => setWhy(event.target.value)}
          />
          <Button disabled={!why.trim() || release.isPending} onClick={() => release.mutate()}>
            {t.release}
          </Button>
        </span>
      )}
      <Refused error={release.error} />
    </li>
  );
}

function NewStop() {
  const t = useText(stopsText);
  const shared = useText(common);
  const nameOf = useNames();
  const [sort, setSort] = useState<Sort>("template");
  const [id, setId] = useState<string>();
  const [why, setWhy] = useState("");
  const templates = useVersionsNow("templates");
  const rules = useVersionsNow("rules");
  const known: Record<Sort, string[]> = {
    template: [...new Set(templates.map(each => each.id))],
    rule: [...new Set(rules.map(each => each.id))],
    kind: Object.keys(shared.kindLong),
    channel: CHANNELS,
  };
  const what = `${sort}/${id ?? ""}`;
  const stop = useChange(
    () => answer(api.POST("/v1/stops", { body: { what, why: why.trim() } })),
    t.stopped(nameOf(what)),
    () => {
      setId(undefined);
      setWhy("");
    },
  );
  return (
    <section aria-label={t.newStop} className={styles.shape}>
      <h2>{t.newStop}</h2>
      <div className={styles.row}>
        <Labelled label={t.what}>
          {control => (
            <Select
              id={control}
              value={sort}
              options={SORTS.map(value => ({ value, label: t.sorts[value] }))}
              popupMatchSelectWidth={false}
              onChange={next => {
                setSort(next);
                setId(undefined);
              }}
            />
          )}
        </Labelled>
        <Labelled label={t.which}>
          {control => (
            <Select
              id={control}
              className={styles.several}
              showSearch
              value={id}
              options={known[sort].map(value => ({ value, label: nameOf(`${sort}/${value}`, true) }))}
              popupMatchSelectWidth={false}
              onChange={setId}
            />
          )}
        </Labelled>
        <Labelled label={t.why}>
          {control => <Input id={control} maxLength={500} value={why} onChange={event => setWhy(event.target.value)} />}
        </Labelled>
        <Button danger disabled={!id || !why.trim() || stop.isPending} onClick={() => stop.mutate()}>
          {t.stop}
        </Button>
      </div>
      <Refused error={stop.error} />
    </section>
  );
}

function Refused({ error }: { error: Error | null }) {
  const language = useLanguage();
  const shared = useText(common);
  return error ? (
    <Alert type="error" showIcon role="alert" title={asProblem(error).said(language) || shared.problem.noAnswer} />
  ) : null;
}

/** A change of what is stopped, told when it is done. */
function useChange(ask: () => Promise<unknown>, done: string, then?: () => void) {
  const client = useQueryClient();
  const { tell } = useUndo();
  return useMutation({
    mutationFn: ask,
    onSuccess: async () => {
      tell({ text: done });
      then?.();
      await client.invalidateQueries({ queryKey: standingStops.queryKey });
    },
  });
}

/** What `template/arrears-reminder` is called. */
function useNames(): (what: string, isBrief?: boolean) => string {
  const t = useText(stopsText);
  const shared = useText(common);
  const language = useLanguage();
  const rules = useVersionsNow("rules");
  return (what, isBrief) => {
    const [sort = "", id = ""] = what.split("/", 2);
    const rule = sort === "rule" ? rules.find(each => each.id === id) : undefined;
    const name = sort === "kind" ? word(shared.kindLong, id) : String(rule?.[`name_${language}`] ?? id);
    return isBrief ? name : `${word(t.sorts, sort)} ${name}`;
  };
}
