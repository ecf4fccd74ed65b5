import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import { common, useText } from "@/i18n";
import styles from "./page.module.css";

interface Props {
  title: string;
  /** Beside the title: as-of, scope, buttons. */
  extra?: ReactNode;
  /** Things that wait for the person, shown before the title in the browser's tab: `(3) 今日`. */
  waiting?: number;
  /** The page fills the window and scrolls inside: lists with a panel. */
  fill?: boolean;
  /** On a phone `extra` takes as many rows as it needs, where it is not one that scrolls. */
  wraps?: boolean;
  children: ReactNode;
}

/** Frame of a page: its heading takes the focus when one comes from another page, so that reading starts there. */
export function Page({ title, extra, waiting = 0, fill, wraps, children }: Props) {
  const t = useText(common);
  const { pathname } = useLocation();
  const section = pathname.split("/")[1];
  const heading = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each section, not for each item in it
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, [section]);
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ""}${title} · ${t.product}`;
  }, [title, waiting, t]);
  return (
    <div className={`${styles.page} ${fill ? styles.fill : ""}`}>
      <header className={styles.head}>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <div className={`${styles.extra} ${wraps ? styles.wraps : ""}`}>{extra}</div>
      </header>
      {children}
    </div>
  );
}
