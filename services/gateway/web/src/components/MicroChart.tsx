import styles from "./microchart.module.css";

/** Where the dots, the band and the lines stand, in one unit; everything is optional but the points. */
export interface MicroChartProps {
  /** Values in order; null: not known, a gap. */
  points: readonly (number | null)[];
  /** What is normal, low and high. */
  band?: readonly [number, number];
  /** The line of the rule. */
  line?: number;
  /** Marks on the axis, as shares of the width (0 to 1). */
  ticks?: readonly number[];
  severity?: string;
  /** The sentence with its values: all that a picture says to who does not see it. */
  label: string;
}

const WIDTH = 120;
const HEIGHT = 32;
const EDGE = 4;

/** 120 × 32: grey band = normal, dashed = rule line, dot in the colour of the severity = now, gap = unknown. */
export function MicroChart({ points, band, line, ticks = [], severity = "minor", label }: MicroChartProps) {
  const known = points.filter(value => value !== null);
  const all = [...known, ...(band ?? []), ...(line === undefined ? [] : [line])];
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const y = (value: number): number =>
    high === low ? HEIGHT / 2 : EDGE + ((high - value) / (high - low)) * (HEIGHT - 2 * EDGE);
  const x = (at: number): number =>
    points.length < 2 ? WIDTH / 2 : EDGE + (at / (points.length - 1)) * (WIDTH - 2 * EDGE);
  const now = points.findLastIndex(value => value !== null);
  const last = points[now];
  return (
    <svg
      className={styles.chart}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      {band && (
        <rect
          className={styles.band}
          x={0}
          width={WIDTH}
          y={Math.min(y(band[0]), y(band[1]))}
          height={Math.max(1, Math.abs(y(band[0]) - y(band[1])))}
        />
      )}
      {line !== undefined && <line className={styles.rule} x1={0} x2={WIDTH} y1={y(line)} y2={y(line)} />}
      {ticks.map(share => (
        <line
          key={share}
          className={styles.tick}
          x1={EDGE + share * (WIDTH - 2 * EDGE)}
          x2={EDGE + share * (WIDTH - 2 * EDGE)}
          y1={HEIGHT - 3}
          y2={HEIGHT}
        />
      ))}
      {runs(points).map(run => (
        <polyline
          key={run[0]?.at}
          className={styles.run}
          points={run.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}
        />
      ))}
      {last !== undefined && last !== null && (
        <circle className={`${styles.now} ${styles[severity] ?? ""}`} cx={x(now)} cy={y(last)} r={3} />
      )}
    </svg>
  );
}

interface TrackProps {
  /** How much of the way is done, 0 to 1. */
  share: number;
  ticks: readonly number[];
  severity?: string;
  label: string;
}

/** The same grammar for time that runs out: grey track = the whole way, ticks = its stages, dot = now. */
export function MicroTrack({ share, ticks, severity = "minor", label }: TrackProps) {
  const at = (part: number): number => EDGE + Math.max(0, Math.min(1, part)) * (WIDTH - 2 * EDGE);
  const middle = HEIGHT / 2;
  return (
    <svg
      className={styles.chart}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      <rect className={styles.band} x={EDGE} width={WIDTH - 2 * EDGE} y={middle - 4} height={8} rx={4} />
      {ticks.map(tick => (
        <line key={tick} className={styles.tick} x1={at(tick)} x2={at(tick)} y1={middle - 8} y2={middle + 8} />
      ))}
      <line className={styles.run} x1={at(0)} x2={at(share)} y1={middle} y2={middle} />
      <circle className={`${styles.now} ${styles[severity] ?? ""}`} cx={at(share)} cy={middle} r={4} />
    </svg>
  );
}

/** Stretches of known points; what is not known parts them. */
export function runs(points: readonly (number | null)[]): { at: number; value: number }[][] {
  const found: { at: number; value: number }[][] = [];
  let open: { at: number; value: number }[] | undefined;
  points.forEach((value, at) => {
    if (value === null) {
      open = undefined;
    } else if (open) {
      open.push({ at, value });
    } else {
      open = [{ at, value }];
      found.push(open);
    }
  });
  return found;
}
