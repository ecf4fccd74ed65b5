import { ArrowUpOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./newpill.module.css";

interface Props {
  /** How many wait. */
  n: number;
  /** What they are, in the person's language: `条新预警`. */
  noun: (n: number) => string;
  /** The newest in a line, so that it is read without a click. */
  newest?: ReactNode;
  onShow: () => void;
}

/** New items wait here; its row is always there, so nothing moves when some come. `.` shows them. */
export function NewPill({ n, noun, newest, onShow }: Props) {
  const t = useText(common);
  useShortcuts([
    { keys: ".", label: t.shortcuts.showNew, group: t.shortcuts.list, run: () => (n > 0 ? onShow() : false) },
  ]);
  return (
    <div className={styles.row}>
      {n > 0 && (
        <Button block size="small" className={styles.pill} icon={<ArrowUpOutlined aria-hidden />} onClick={onShow}>
          <span className={styles.text}>
            <b>{noun(n)}</b>
            {newest && <> · {newest}</>}
          </span>
          <kbd className={styles.key}>.</kbd>
        </Button>
      )}
    </div>
  );
}
