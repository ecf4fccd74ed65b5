import { useEffect, useRef } from "react";
import { useMode } from "@/theme/ThemeProvider";
import styles from "./chartcard.module.css";
import { type Chart, type Options, open, safe } from "./charts";

interface Props {
  options: Options;
  /** What the chart shows, for who does not see it; the table beside it has the values. */
  label: string;
  height: number;
  /** A click or a tap on a bar, point or cell; `name`, `seriesName` and `value` as ECharts has them. */
  onPick?: (picked: { name: string; seriesName?: string; value: unknown; dataIndex: number }) => void;
}

/** The default export, for `lazy`: it brings ECharts with it. */
export default function EChart({ options, label, height, onPick }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart>(undefined);
  const mode = useMode();
  const pick = useRef(onPick);
  useEffect(() => {
    pick.current = onPick;
  });
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return;
    }
    const opened = open(element, mode);
    chart.current = opened;
    opened.on("click", event => {
      const { name, seriesName, value, dataIndex } = event as Parameters<NonNullable<Props["onPick"]>>[0];
      pick.current?.({ name, seriesName, value, dataIndex });
    });
    const observer = new ResizeObserver(() => opened.resize());
    observer.observe(element);
    return () => {
      observer.disconnect();
      opened.dispose();
      chart.current = undefined;
    };
  }, [mode]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart of another mode is a new one and wants its options
  useEffect(() => {
    const motion = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    chart.current?.setOption(safe(options, label, motion), { notMerge: true });
  }, [options, label, mode]);
  return <div ref={place} className={styles.canvas} style={{ height }} role="img" aria-label={label} />;
}
