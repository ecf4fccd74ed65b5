import { Button } from "antd";
import { asProblem } from "@/api/problem";
import { common, useLanguage, useText } from "@/i18n";
import styles from "./blocks.module.css";
import { EmptyState } from "./EmptyState";

interface Props {
  /** What did not load, as a noun: `预警列表`; absent: the whole page. */
  what?: string;
  error: unknown;
  retry?: () => void;
}

/** What happened, what to do and the number to ask about, in the place of the block alone. */
export function BlockError({ what, error, retry }: Props) {
  const t = useText(common);
  const language = useLanguage();
  const problem = asProblem(error);
  if (problem.isNotFound) {
    return <EmptyState text={t.problem.notFound} />;
  }
  const said = problem.status === 0 ? t.problem.noAnswer : problem.said(language);
  return (
    <div className={styles.error} role="alert">
      <span>{what ? t.problem.block(what) : t.problem.page}</span>
      {said && <span className={styles.said}>{said}</span>}
      {retry && (
        <Button size="small" onClick={retry}>
          {t.action.retry}
        </Button>
      )}
      {problem.reference && (
        <span className={`kam-small ${styles.reference}`}>{t.problem.reference(problem.reference)}</span>
      )}
    </div>
  );
}
