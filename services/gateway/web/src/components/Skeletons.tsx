import { useEffect, useState } from "react";
import { usePreferences } from "@/habits/preferences";
import { common, useText } from "@/i18n";
import { ROW, ROW_COMPACT } from "@/theme/tokens";
import styles from "./blocks.module.css";

/** After so many ms the wait is put into words. */
const LONG_MS = 3000;

interface Props {
  /** How many rows or boxes the block will have. */
  n: number;
  /** Height in px of each in the final geometry; rows: that of the person's density. */
  height?: number;
  /** Boxes rather than rows: the classes of the grid that the content will stand in, and of a box as high as one of it. */
  like?: { grid: string | undefined; box: string | undefined };
}

/** The block before its content, in the geometry it will have: nothing moves when it comes. */
export function Skeletons({ n, height, like }: Props) {
  const t = useText(common);
  const { density } = usePreferences();
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  const each = height ?? (density === "compact" ? ROW_COMPACT : ROW) - 8;
  return (
    <div className={`${styles.bones} ${like ? like.grid : styles.rows}`} aria-busy="true">
      {Array.from({ length: n }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <div key={at} className={`${styles.bone} ${like?.box ?? ""}`} style={like ? undefined : { height: each }} />
      ))}
      <output className={isLong ? styles.late : "kam-hidden"}>{isLong ? t.problem.stillLoading : ""}</output>
    </div>
  );
}
