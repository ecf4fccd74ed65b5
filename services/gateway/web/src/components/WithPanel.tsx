import { CloseOutlined } from "@ant-design/icons";
import { Button, Drawer, Splitter } from "antd";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useBreadth } from "@/habits/element";
import { setPreferences, usePreferences } from "@/habits/preferences";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./withpanel.module.css";

const [LEAST, MOST] = [320, 720];

interface Props {
  /** The list. */
  children: ReactNode;
  /** The item that is open; null: none. */
  panel: ReactNode;
  /** What is open, as the panel's heading. */
  title: ReactNode;
  onClose: () => void;
}

/** List and item: beside each other from 1280 px, the item in a drawer from 768 px, alone on a phone. Esc closes it. */
export function WithPanel({ children, panel, title, onClose }: Props) {
  const t = useText(common);
  const breadth = useBreadth();
  const [width, setWidth] = useState(usePreferences().panel);
  const isOpen = panel !== null && panel !== undefined && panel !== false;
  const id = useId();
  const opener = useRef<HTMLElement | null>(null);

  useEffect(() => {
    // Closing leads back to where one was: the row.
    if (isOpen) {
      opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
      return () => opener.current?.focus({ preventScroll: true });
    }
  }, [isOpen]);
  useShortcuts(
    isOpen && breadth !== "tablet"
      ? [{ keys: "Escape", label: t.shortcuts.close, group: t.shortcuts.list, run: onClose }]
      : [],
  );

  if (breadth === "tablet") {
    return (
      <div className={styles.frame}>
        {children}
        <Drawer open={isOpen} onClose={onClose} title={title} size={width}>
          {panel}
        </Drawer>
      </div>
    );
  }
  const item = isOpen && (
    <section className={styles.panel} data-panel aria-labelledby={id}>
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        <Button type="text" icon={<CloseOutlined />} aria-label={t.action.closePanel} onClick={onClose} />
      </header>
      {panel}
    </section>
  );
  if (breadth === "phone") {
    return (
      <div className={styles.frame}>
        {item}
        {/* The list stays as it is, out of sight: Back finds its place again. */}
        <div className={isOpen ? styles.away : styles.frame}>{children}</div>
      </div>
    );
  }
  return (
    <Splitter
      className={styles.frame}
      onResize={([, next]) => next !== undefined && setWidth(next)}
      onResizeEnd={([, next]) => next !== undefined && setPreferences({ panel: Math.round(next) })}
    >
      <Splitter.Panel className={styles.list}>{children}</Splitter.Panel>
      {isOpen && (
        <Splitter.Panel className={styles.item} size={width} min={LEAST} max={MOST}>
          {item}
        </Splitter.Panel>
      )}
    </Splitter>
  );
}
