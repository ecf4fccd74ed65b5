import { Modal } from "antd";
import { type Shortcut, useActiveShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./help.module.css";

/** All keys that can be pressed where one is. */
export default function Help({ onClose }: { onClose: () => void }) {
  const t = useText(common);
  const active = useActiveShortcuts();
  const names = [...new Set(active.map(shortcut => shortcut.group ?? ""))];
  return (
    <Modal open title={t.shortcuts.title} footer={null} onCancel={onClose} width={560}>
      <div className={styles.groups}>
        {names.map(group => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {active
                .filter(shortcut => (shortcut.group ?? "") === group)
                .map(shortcut => (
                  <div key={shortcut.keys} className={styles.line}>
                    <dt>
                      <Keys shortcut={shortcut} />
                    </dt>
                    <dd>{shortcut.label}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

function Keys({ shortcut }: { shortcut: Shortcut }) {
  return shortcut.keys.split(" ").map(key => (
    <kbd key={key} className={styles.key}>
      {key
        .replace(/^Mod\+(.)$/, (_, letter: string) => `Ctrl ${letter.toUpperCase()}`)
        .replace("Mod+", "Ctrl ")
        .replace("Escape", "Esc")}
    </kbd>
  ));
}
