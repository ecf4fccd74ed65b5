import { Button } from "antd";
import { useState } from "react";
import { answer, api, type Problem, type Schema } from "@/api/client";
import { ShortTime } from "@/components/Time";
import { common, useLanguage, useText } from "@/i18n";
import styles from "./act.module.css";
import { LogLine } from "./LogLine";
import { workText } from "./messages";

interface Props {
  problem: Problem;
  workId: string;
  /** Send the same again; with the newest revision where mine shall hold. */
  onAgain: (revision?: number) => void;
  onTheirs: () => void;
}

/** What was not saved is still there: try again; or, where another person was faster, compare and choose. */
export function Trouble({ problem, workId, onAgain, onTheirs }: Props) {
  const t = useText(workText);
  const shared = useText(common).problem;
  const action = useText(common).action;
  const language = useLanguage();
  const [theirs, setTheirs] = useState<Schema<"WorkView">>();
  const read = (): Promise<Schema<"WorkView">> =>
    answer(api.GET("/v1/work/{id}", { params: { path: { id: workId } } }));

  if (problem.status !== 412) {
    return (
      <div className={styles.trouble} role="alert">
        <span>{shared.save}</span>
        <span>{problem.said(language)}</span>
        <Button size="small" onClick={() => onAgain()}>
          {action.retry}
        </Button>
        {problem.reference && <span className="kam-small">{shared.reference(problem.reference)}</span>}
      </div>
    );
  }
  const last = theirs?.log.at(-1);
  return (
    <div className={`${styles.trouble} ${styles.clash}`} role="alert">
      <span>{problem.said(language)}</span>
      {theirs ? (
        <>
          {last && (
            <div>
              <ShortTime at={last.at} /> <LogLine entry={last} />
            </div>
          )}
          <span className="kam-small">{t.clashUse}</span>
        </>
      ) : (
        <Button size="small" onClick={() => void read().then(setTheirs, () => undefined)}>
          {shared.compare}
        </Button>
      )}
      <Button
        size="small"
        onClick={() =>
          void read().then(
            found => onAgain(found.revision ?? undefined),
            () => onAgain(),
          )
        }
      >
        {shared.useMine}
      </Button>
      <Button size="small" onClick={onTheirs}>
        {shared.useTheirs}
      </Button>
    </div>
  );
}
