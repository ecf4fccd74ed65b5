import { useNavigate, useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { LinkButton } from "@/components/LinkButton";
import { Page } from "@/components/Page";
import { common, useLanguage, useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { useKind, useVersionsNow } from "./api";
import styles from "./documents.module.css";
import { Editor } from "./Editor";
import type { KindRow } from "./kinds";
import { documentsText } from "./messages";
import { byDocument, contentOf, newest, type Version } from "./model";
import ShapeForm from "./ShapeForm";

/** Stands for the id of a document that has none yet: no id begins so. */
export const NEW = "-";

/** A document being written: the next version of one, made from any of its versions, or a new one. */
export default function EditPage({ row, id }: { row: KindRow; id: string }) {
  const t = useText(documentsText);
  const shared = useText(common);
  const language = useLanguage();
  const navigate = useNavigate();
  const [query] = useSearchParams();
  const mayChange = useMayEverywhere("rules", "change");
  const versions = useVersionsNow(row.kind);
  const about = useKind(row.kind);
  const documents = byDocument(versions);
  const isNew = id === NEW;
  const document = documents.find(each => each.id === (isNew ? query.get("like") : id));
  const asked = document?.versions.find(each => String(each.version) === query.get("version"));
  const from: Version | undefined = document && (asked ?? newest(document.versions));
  const back = isNew ? row.path : `${row.path}/${encodeURIComponent(id)}`;
  const title = isNew
    ? `${t.create} · ${t.kinds[row.kind]}`
    : `${t.edit} · ${from ? (row.nameOf?.(from, language) ?? id) : id}`;
  return (
    <Page title={title} extra={<LinkButton to={back}>{shared.action.back}</LinkButton>}>
      <div className={styles.sheet}>
        {!mayChange ? (
          <EmptyState text={t.readOnly} />
        ) : !isNew && !(document && from) ? (
          <EmptyState text={t.noSuch} />
        ) : (
          <Editor
            kind={row.kind}
            about={about}
            id={isNew ? null : id}
            // Made from an older version it still follows the newest.
            after={isNew || !document ? undefined : newest(document.versions).version}
            first={
              isNew ? { id: "", ...withoutId(from ? contentOf(from) : (row.blank ?? {})) } : contentOf(from as Version)
            }
            Form={row.Form ?? ShapeForm}
            onSaved={saved => void navigate(`${row.path}/${encodeURIComponent(saved.id)}?version=${saved.version}`)}
          />
        )}
      </div>
    </Page>
  );
}

const withoutId = ({ id: _, ...content }: Record<string, unknown>): Record<string, unknown> => content;
