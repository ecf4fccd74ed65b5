import { useNavigate, useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { LinkButton } from "@/components/LinkButton";
import { Page } from "@/components/Page";
import { common, useLanguage, useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { useKind, useVersionNow, useVersionsNow } from "./api";
import styles from "./documents.module.css";
import { Editor } from "./Editor";
import type { KindRow } from "./kinds";
import { documentsText } from "./messages";
import { byDocument, type Content, newest, type Version, type Versions } from "./model";
import ShapeForm from "./ShapeForm";

/** Stands for the id of a document that has none yet: no id begins so. */
export const NEW = "-";

/** A document being written: the next version of one, made from any of its versions, or a new one. */
export default function EditPage({ row, id }: { row: KindRow; id: string }) {
  const t = useText(documentsText);
  const shared = useText(common);
  const language = useLanguage();
  const [query] = useSearchParams();
  const mayChange = useMayEverywhere("rules", "change");
  const versions = useVersionsNow(row.kind);
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
        ) : from ? (
          <FromVersion row={row} id={isNew ? null : id} from={from} newest={newest((document as Versions).versions)} />
        ) : (
          <Writing row={row} id={null} first={{ id: "", ...row.blank }} />
        )}
      </div>
    </Page>
  );
}

/** Made from an older version it still follows the newest. */
function FromVersion({
  row,
  id,
  from,
  newest: last,
}: {
  row: KindRow;
  id: string | null;
  from: Version;
  newest: Version;
}) {
  const { id: _, ...content } = useVersionNow(row.kind, from.id, from.version).document;
  return (
    <Writing row={row} id={id} after={id === null ? undefined : last.version} first={{ id: id ?? "", ...content }} />
  );
}

function Writing({ row, id, after, first }: { row: KindRow; id: string | null; after?: number; first: Content }) {
  const navigate = useNavigate();
  return (
    <Editor
      kind={row.kind}
      about={useKind(row.kind)}
      id={id}
      after={after}
      first={first}
      Form={row.Form ?? ShapeForm}
      onSaved={saved => void navigate(`${row.path}/${encodeURIComponent(saved.id)}?version=${saved.version}`)}
    />
  );
}
