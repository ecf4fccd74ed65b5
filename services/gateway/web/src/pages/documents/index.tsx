import { lazy } from "react";
import { useLocation, useParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { DocumentList } from "@/documents/DocumentList";
import { KindTabs } from "@/documents/KindTabs";
import { rowOf } from "@/documents/kinds";
import { documentsText } from "@/documents/messages";
import { useText } from "@/i18n";

const EditPage = lazy(() => import("@/documents/EditPage"));
const ReleasesBoard = lazy(() => import("@/releases/ReleasesBoard"));
const StopsBoard = lazy(() => import("@/stops/StopsBoard"));

/** Texts, the SMS policy, calendars, lists, and what is stopped: `/documents/<kind>/<id>`. */
export default function Documents() {
  const t = useText(documentsText);
  const { kind = "", id } = useParams();
  const { pathname } = useLocation();
  if (kind === "stops" || kind === "releases") {
    return (
      <Page title={t.kinds[kind]}>
        <KindTabs current={kind} />
        {kind === "stops" ? <StopsBoard /> : <ReleasesBoard />}
      </Page>
    );
  }
  const row = rowOf(kind);
  if (!row) {
    return (
      <Page title={t.kinds.rules}>
        <EmptyState text={t.noSuch} />
      </Page>
    );
  }
  return id && pathname.endsWith("/edit") ? (
    <EditPage key={`${kind} ${id}`} row={row} id={id} />
  ) : (
    <DocumentList key={kind} row={row} id={id} />
  );
}
