import type { ReactNode } from "react";
import { panelText } from "@/alerts/messages";
import { smsStateOf } from "@/alerts/row";
import { AsOfFigures } from "@/arrivals/Arrivals";
import { ChartCard, type ChartTable } from "@/components/ChartCard";
import type { Options } from "@/components/charts";
import { money, number } from "@/format";
import { useNow } from "@/habits/clock";
import { common, useLanguage, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import { cityName } from "@/places/cityName";
import type { RowsAsked } from "@/rows/address";
import { Count } from "@/rows/Count";
import { usePalette } from "@/theme/ThemeProvider";
import {
  ageName,
  barOptions,
  type Counted,
  cityOptions,
  colourOf,
  recoveredAt,
  recoveredOptions,
  rowsAt,
  soFar,
  startName,
  timeOptions,
} from "./charts";
import type { Overview } from "./fields";
import { overviewText } from "./messages";

/** Hours and days begin by this clock. */
const EVERY_MS = 60_000;
/** The files that alerts come of. */
const OF_ALERTS = ["BILL", "USAGE", "ARR", "CONT", "COMP", "SERV"];

interface Props {
  view: Overview;
  onOpen: (asked: RowsAsked) => void;
}

/** A chart whose every bar or cell, and every number of its table, opens the rows it counts. */
function Card(props: {
  view: Overview;
  /** The kinds of files that its figures come of. */
  files: readonly string[];
  title: string;
  options: Options;
  table: ChartTable;
  exported: RowsAsked;
  pick: (at: number, series: string | undefined, value: unknown) => Counted | undefined;
  onOpen: (asked: RowsAsked) => void;
  height?: number;
}): ReactNode {
  const { view, files, title, options, table, exported, pick, onOpen, height = 260 } = props;
  return (
    <ChartCard
      title={title}
      options={options}
      table={table}
      height={height}
      note={<AsOfFigures of={view} kinds={files} />}
      extra={<ExportButton small list={exported.list} filter={exported.filter} label={title} />}
      onPick={({ dataIndex, seriesName, value }) => {
        const asked = pick(dataIndex, seriesName, value);
        if (asked && asked.count > 0) {
          onOpen(asked);
        }
      }}
    />
  );
}

export function ByTime({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const words = useText(common);
  const palette = usePalette();
  const language = useLanguage();
  const now = useNow(EVERY_MS);
  const nameOf = (kind: string): string => word(words.kind, kind);
  return (
    <Card
      view={view}
      files={OF_ALERTS}
      title={t.byTime}
      options={timeOptions(view, nameOf, palette, language, now)}
      onOpen={onOpen}
      exported={view.alerts}
      pick={(at, series) => {
        const found = view.by_time.find(({ kind }) => nameOf(kind) === series);
        return found && rowsAt(view, at, { kind: found.kind }, found.counts[at] ?? 0);
      }}
      table={{
        columns: [t.column.time, ...view.by_time.map(({ kind }) => nameOf(kind))],
        rows: view.starts.flatMap((start, at) =>
          view.by_time.some(({ counts }) => counts[at])
            ? [
                [
                  startName(start, view.step),
                  ...view.by_time.map(({ kind, counts }) => (
                    <Count
                      key={kind}
                      label={`${startName(start, view.step)} ${nameOf(kind)}`}
                      asked={rowsAt(view, at, { kind }, counts[at] ?? 0)}
                      onOpen={onOpen}
                    />
                  )),
                ],
              ]
            : [],
        ),
      }}
    />
  );
}

export function ByCity({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const language = useLanguage();
  const starts = soFar(view, view.starts, useNow(EVERY_MS));
  const nameOf = (city: string): string => (city === "none" ? t.unknown : cityName(city));
  const ofCity = (city: string): Record<string, string> => ({ city });
  return (
    <Card
      view={view}
      files={OF_ALERTS}
      title={t.byCity}
      height={Math.max(260, 72 + 22 * view.by_city.length)}
      options={cityOptions(view, nameOf, language)}
      onOpen={onOpen}
      exported={view.alerts}
      pick={(_, __, value) => {
        const [at, row] = value as [number, number];
        const found = view.by_city[row];
        return found && rowsAt(view, at, ofCity(found.city), found.counts[at] ?? 0);
      }}
      table={{
        columns: [t.column.city, t.column.total, ...starts.map(start => startName(start, view.step))],
        rows: view.by_city.map(({ city, counts }) => [
          nameOf(city),
          <Count
            key="all"
            label={`${nameOf(city)} ${t.column.total}`}
            asked={{
              list: "alerts",
              filter: { ...view.filter, ...ofCity(city), since: view.since, until: view.until },
              count: counts.reduce((sum, count) => sum + count, 0),
            }}
            onOpen={onOpen}
          />,
          ...starts.map((start, at) => (
            <Count
              key={start}
              label={`${nameOf(city)} ${startName(start, view.step)}`}
              asked={rowsAt(view, at, ofCity(city), counts[at] ?? 0)}
              onOpen={onOpen}
            />
          )),
        ]),
      }}
    />
  );
}

export function Arrears({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const palette = usePalette();
  const language = useLanguage();
  const named = view.arrears.map(each => ({ ...each, name: ageName(each.age, t.age, t.days_) }));
  return (
    <Card
      view={view}
      files={["ARR", "BILL"]}
      title={t.arrears}
      options={barOptions(
        named.map(({ name, amount_fen }) => ({ name, value: amount_fen, colour: palette.arrears })),
        language,
        true,
      )}
      onOpen={onOpen}
      exported={{ list: "alerts", filter: { ...view.filter, kind: "arrears", open: "1" } }}
      pick={at => named[at]}
      table={{
        columns: [t.column.age, t.column.customers, t.column.amount],
        rows: named.map(each => [
          each.name,
          <Count key="n" label={each.name} asked={each} onOpen={onOpen} />,
          money(each.amount_fen),
        ]),
      }}
    />
  );
}

export function Recovered({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const palette = usePalette();
  const language = useLanguage();
  const now = useNow(EVERY_MS);
  return (
    <Card
      view={view}
      files={["ARR", "PAY"]}
      title={t.recovered}
      options={recoveredOptions(view, palette, language, now)}
      onOpen={onOpen}
      exported={view.recovered}
      pick={at => recoveredAt(view, at)}
      table={{
        columns: [t.column.time, t.column.customers, t.column.amount],
        rows: view.starts.flatMap((start, at) =>
          view.recovered.counts[at]
            ? [
                [
                  startName(start, view.step),
                  <Count key="n" label={startName(start, view.step)} asked={recoveredAt(view, at)} onOpen={onOpen} />,
                  money(view.recovered.amounts_fen[at]),
                ],
              ]
            : [],
        ),
      }}
    />
  );
}

type Bar = Counted & { name: string; before?: number | null; colour: string; note?: string };

function Bars({
  title,
  files,
  bars,
  first,
  view,
  onOpen,
  exported,
}: {
  view: Overview;
  files: readonly string[];
  title: string;
  bars: readonly Bar[];
  first: string;
  onOpen: Props["onOpen"];
  exported: RowsAsked;
}) {
  const t = useText(overviewText);
  const language = useLanguage();
  return (
    <Card
      view={view}
      files={files}
      title={title}
      options={barOptions(
        bars.map(({ name, count, colour }) => ({ name, value: count, colour })),
        language,
      )}
      onOpen={onOpen}
      exported={exported}
      pick={at => bars[at]}
      table={{
        columns: [first, t.column.count, t.column.before],
        rows: bars.map(bar => [
          bar.name,
          <Count key="n" label={bar.name} asked={bar} onOpen={onOpen} />,
          <Before key="before" bar={bar} view={view} onOpen={onOpen} />,
        ]),
      }}
    />
  );
}

/** How many there were in the period compared with, which opens those. */
function Before({ bar, view, onOpen }: Props & { bar: Bar }) {
  const t = useText(overviewText);
  const { before_since: since, before_until: until } = view;
  if (typeof bar.before !== "number" || since === null || until === null) {
    return number(bar.before);
  }
  const asked = { list: bar.list, filter: { ...bar.filter, since, until }, count: bar.before };
  return <Count label={`${bar.name} ${t.column.before}`} asked={asked} onOpen={onOpen} />;
}

export function Churn({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const palette = usePalette();
  return (
    <Bars
      files={["BILL", "USAGE", "SERV"]}
      title={t.churn}
      view={view}
      first={t.column.step}
      onOpen={onOpen}
      exported={view.churn[0] ?? view.alerts}
      bars={view.churn.map(step => ({
        ...step,
        name: word(t.step, step.step),
        // What managers say is lighter than what BOSS has proved.
        colour: step.step === "claimed" ? palette.secondary : step.step === "kept" ? palette.better : palette.churn,
      }))}
    />
  );
}

export function Sms({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const reasons = useText(panelText);
  const words = useText(common);
  const palette = usePalette();
  return (
    <Bars
      files={[]}
      title={t.sms}
      view={view}
      first={t.column.state}
      onOpen={onOpen}
      exported={{ list: "sms", filter: { ...view.filter, since: view.since, until: view.until } }}
      bars={view.sms.map(each => ({
        ...each,
        name: [
          word({ ...words.smsState, ...words.smsHeld }, smsStateOf(each.state, each.reason)),
          each.reason && each.reason !== "stopped" && word(reasons.smsReason, each.reason),
        ]
          .filter(Boolean)
          .join(" · "),
        colour:
          each.state === "delivered" ? palette.better : each.state === "failed" ? palette.worse : palette.secondary,
      }))}
    />
  );
}

export function Complaints({ view, onOpen }: Props) {
  const t = useText(overviewText);
  const palette = usePalette();
  return (
    <Bars
      files={["COMP"]}
      title={t.complaints}
      view={view}
      first={t.column.state}
      onOpen={onOpen}
      exported={{
        list: "alerts",
        filter: { ...view.filter, kind: "complaint_opened", since: view.since, until: view.until },
      }}
      bars={view.complaints.map(each => ({
        ...each,
        name: t.complaint[`${each.state}${each.late ? "Late" : ""}` as keyof typeof t.complaint],
        colour: each.late ? palette.worse : colourOf("complaint_opened", palette),
      }))}
    />
  );
}
