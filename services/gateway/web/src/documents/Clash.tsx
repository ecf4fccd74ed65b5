import { Alert, Button } from "antd";
import { Suspense } from "react";
import { Boundary } from "@/components/Boundary";
import { Skeletons } from "@/components/Skeletons";
import { useText } from "@/i18n";
import { Difference } from "./Difference";
import styles from "./documents.module.css";
import { documentsText } from "./messages";
import type { Version } from "./model";

interface Props {
  kind: string;
  /** The version that mine was made from. */
  before: number | undefined;
  theirs: Version;
  onMine: () => void;
  onTheirs: () => void;
}

/** Somebody was faster: who, why, what they changed; and whose content goes on. Neither is lost. */
export function Clash({ kind, before, theirs, onMine, onTheirs }: Props) {
  const t = useText(documentsText);
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={t.clashTitle(theirs.author, theirs.version)}
      description={
        <div className={styles.editor}>
          <span>{t.clashTheirs(theirs.why)}</span>
          {before !== undefined && (
            <Boundary what={t.differences}>
              <Suspense fallback={<Skeletons n={2} />}>
                <Difference kind={kind} id={theirs.id} before={before} after={theirs.version} />
              </Suspense>
            </Boundary>
          )}
          <span className="kam-secondary">{t.mineNext(theirs.version + 1)}</span>
          <span className={styles.buttons}>
            <Button size="small" onClick={onMine}>
              {t.useMine}
            </Button>
            <Button size="small" onClick={onTheirs}>
              {t.useTheirs}
            </Button>
          </span>
        </div>
      }
    />
  );
}
