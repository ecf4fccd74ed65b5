import { useLanguage, useText } from "@/i18n";
import { useDifference } from "./api";
import styles from "./documents.module.css";
import { documentsText } from "./messages";

interface Props {
  kind: string;
  id: string;
  before: number;
  after: number;
}

/** What has changed from one version to another, a sentence each. */
export function Difference({ kind, id, before, after }: Props) {
  const t = useText(documentsText);
  const language = useLanguage();
  const found = useDifference(kind, id, before, after);
  return found.length === 0 ? (
    <p className="kam-secondary">{t.same}</p>
  ) : (
    <ul className={styles.differences}>
      {found.map(each => (
        <li key={`${each.field} ${each.en}`}>{each[language]}</li>
      ))}
    </ul>
  );
}
