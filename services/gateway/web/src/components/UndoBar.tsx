import { CloseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useUndo } from "@/habits/undo";
import { common, useText } from "@/i18n";
import styles from "./undobar.module.css";

/** At the foot of the page for ten seconds after something was done: what it was, and how it is taken back. */
export function UndoBar() {
  const t = useText(common);
  const { current, isUndoing, undo, dismiss, hold } = useUndo();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only stops its time
    <div
      className={`${styles.place} kam-screen`}
      onPointerEnter={() => current && hold(true)}
      onPointerLeave={() => current && hold(false)}
      onFocus={() => current && hold(true)}
      onBlur={() => current && hold(false)}
    >
      <div role="status" aria-live={current?.tone === "error" ? "assertive" : "polite"}>
        {current && (
          <div className={`${styles.bar} ${current.tone === "error" ? styles.error : ""}`}>
            <span className={styles.text}>{current.text}</span>
            {current.undo && (
              <Button size="small" loading={isUndoing} onClick={() => void undo()}>
                {t.undo.hint}
              </Button>
            )}
            <Button
              size="small"
              type="text"
              icon={<CloseOutlined />}
              aria-label={t.action.closePanel}
              onClick={dismiss}
            />
          </div>
        )}
      </div>
    </div>
  );
}
