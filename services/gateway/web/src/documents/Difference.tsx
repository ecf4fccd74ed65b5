import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
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
  const query = useDifference(kind, id, before, after);
  return (
    <QueryBlock
      query={query}
      what={t.differences}
      skeleton={<Skeletons n={2} />}
      empty={found => found.length === 0 && <p className="kam-secondary">{t.same}</p>}
    >
      {found => (
        <ul className={styles.differences}>
          {found.map(each => (
            <li key={`${each.field} ${each.en}`}>{each[language]}</li>
          ))}
        </ul>
      )}
    </QueryBlock>
  );
}
