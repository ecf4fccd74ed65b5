import { Segmented } from "antd";
import { type ReactNode, useId, useRef, useState } from "react";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./chartcard.module.css";
import type { Options } from "./charts";
import { later } from "./later";

const EChart = later(async () => (await import("./EChart")).default);

/** The values of a chart as a table: the first column names the row. */
export interface ChartTable {
  columns: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}

interface Props {
  title: string;
  options: Options;
  table: ChartTable;
  /** What the chart shows in a sentence; without it the title. */
  label?: string;
  height?: number;
  /** Beside the title: export. */
  extra?: ReactNode;
  /** Beneath the title: of which moment it is. */
  note?: ReactNode;
  onPick?: (picked: { name: string; seriesName?: string; value: unknown; dataIndex: number }) => void;
}

/** A chart, and the same values as a table at one click. The box keeps its height while ECharts is on its way. */
export function ChartCard({ title, options, table, label = title, height = 240, extra, note, onPick }: Props) {
  const t = useText(common);
  const id = useId();
  const [view, setView] = useState<"chart" | "table">("chart");
  const card = useRef<HTMLElement>(null);
  useShortcuts([
    {
      keys: "v",
      label: t.chart.turn,
      group: t.shortcuts.list,
      run: () => {
        // The card that has the focus turns alone, else all of the page do: each lets the next have the key.
        const focused = document.activeElement?.closest(`.${styles.card}`);
        if (!focused || focused === card.current) {
          setView(view === "chart" ? "table" : "chart");
        }
        return focused === card.current;
      },
    },
  ]);
  return (
    <section ref={card} className={styles.card} aria-labelledby={id}>
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        {extra}
        <Segmented
          size="small"
          aria-label={`${title} · ${t.chart.view}`}
          value={view}
          onChange={setView}
          options={[
            { value: "chart" as const, label: t.chart.chart },
            { value: "table" as const, label: t.chart.table },
          ]}
        />
      </header>
      {note}
      {view === "chart" ? (
        <EChart
          what={title}
          waiting={<div style={{ height }} aria-busy />}
          options={options}
          label={label}
          height={height}
          onPick={onPick}
        />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <section className={styles.scroll} style={{ maxHeight: Math.max(height, 240) }} tabIndex={0} aria-label={title}>
          <table className={styles.table}>
            <thead>
              <tr>
                {table.columns.map(column => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows of a chart are known by their place
                <tr key={at}>
                  {row.map((cell, column) =>
                    column === 0 ? (
                      // biome-ignore lint/suspicious/noArrayIndexKey: as above
                      <th key={column} scope="row">
                        {cell}
                      </th>
                    ) : (
                      // biome-ignore lint/suspicious/noArrayIndexKey: as above
                      <td key={column}>{cell}</td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
          {table.rows.length === 0 && <p className="kam-secondary">{t.chart.noData}</p>}
        </section>
      )}
    </section>
  );
}
